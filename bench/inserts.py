"""The other side of `bot.chat.vs_inserts`: a bare FastAPI route that writes the same two rows and does nothing else.

The rows go in by SQLAlchemy Core in one transaction, on the product's own tables and database settings. Writers queue
for a lock of this process, as the product's do, because SQLite's own waiting would only make this side slower.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import event, insert

from bot.models import InboundMessage, OutboundReply
from hub.db import open_database
from hub.tables import Base


class Written(BaseModel):
    """The same body as the chat's."""

    key: str
    text: str
    after: int = 0


def app(url: str, answer: str, sources: list[dict[str, Any]]) -> FastAPI:
    """The application: one route, which answers with words as long as the bot's."""
    engine = open_database(url)
    # The rows that these would refer to are not there: one thing less for this side to do.
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA foreign_keys=OFF"))
    Base.metadata.create_all(engine)
    writing = engine.execution_options(immediate=True)
    turn = threading.Lock()
    bare = FastAPI()

    @bare.post("/chat/{conversation_id}/messages")
    def write(conversation_id: int, written: Written) -> dict[str, Any]:
        now = datetime.now(UTC)
        with turn, writing.begin() as connection:
            heard = connection.execute(
                insert(InboundMessage.__table__).values(
                    conversation_id=conversation_id, number=1, origin="chat", key=f"{conversation_id}-{written.key}",
                    kind="text", text=written.text, media={}, at=now, received_at=now, handled_at=now,
                    outcome="answer",
                )
            )  # fmt: skip
            connection.execute(
                insert(OutboundReply.__table__).values(
                    conversation_id=conversation_id, inbound_id=heard.inserted_primary_key[0], number=2, side="bot",
                    text=answer, sources=sources, choices=[], ask="", state="done", route="chat", attempts=0, at=now,
                    done_at=now, reason="", code="",
                )
            )  # fmt: skip
        line = {"number": 2, "side": "bot", "text": answer, "at": now.isoformat(), "sources": sources, "choices": []}
        return {"state": "bot", "ahead": 0, "rated": False, "lines": [line]}

    return bare


def main() -> None:
    """`python -m bench.inserts DATABASE PORT ANSWER`."""
    url, port, answer = sys.argv[1:4]
    source = {"piece": 1, "revision": 1, "title": answer[:20], "path": "/faq/1.html"}
    uvicorn.run(app(url, answer, [source]), host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
