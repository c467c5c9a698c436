"""The other side of `dispatch.rate.vs_procrastinate`: jobs that do nothing, run by Procrastinate as it comes.

`python -m bench.bare_jobs DATABASE` works until it is ended. Concurrency and polling are the product's worker's.
"""

from __future__ import annotations

import asyncio
import sys

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from scheduler.queue import CONCURRENCY

TASK, QUEUE = "nothing", "bare"


def defer(conninfo: str, number: int) -> None:
    """Puts so many jobs on the list."""
    app = App(connector=SyncPsycopgConnector(conninfo=conninfo))
    with app.open():
        app.configure_task(TASK, queue=QUEUE).batch_defer(*({"number": one} for one in range(number)))


async def work(conninfo: str) -> None:
    """Runs whatever is on the list, until the process is ended."""
    app = App(connector=PsycopgConnector(conninfo=conninfo))

    @app.task(name=TASK, queue=QUEUE)
    def nothing(number: int) -> None:
        """Does nothing."""

    async with app.open_async():
        await app.run_worker_async(queues=[QUEUE], concurrency=CONCURRENCY, fetch_job_polling_interval=0.5)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
