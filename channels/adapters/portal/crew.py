"""Several processes that draw at the same time: forked from this one, each is handed a task and tells what it did."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar, cast

from channels.errors import ChannelError

Task = TypeVar("Task")
Done = TypeVar("Done")


class DrawingFailed(ChannelError):
    """A process that draws pages ended or could not go on ({reason}). Run it again: it goes on where it stopped."""

    zh = "绘制页面的进程中断（{reason}）。请重新运行，系统从中断处继续。"
    outcome = "retryable"


class Crew(Generic[Task, Done]):
    """Does as many tasks at a time as there are `hands`; with one hand this very process does them."""

    def __init__(self, do: Callable[[Task], Done], pipes: Sequence[Connection]) -> None:
        self._do = do
        self._pipes = pipes

    @property
    def hands(self) -> int:
        """How many tasks are done at a time."""
        return max(1, len(self._pipes))

    def all(self, tasks: Sequence[Task]) -> list[Done]:
        """What came of the tasks, in their order, each done by whoever is free first; returns when all are done."""
        if not self._pipes:
            return [self._do(task) for task in tasks]
        done: dict[int, Done] = {}
        faults: list[str] = []
        left = deque(enumerate(tasks))
        busy: dict[Connection, int] = {}
        free = list(self._pipes)
        try:
            while busy or (left and not faults):
                while free and left and not faults:
                    number, task = left.popleft()
                    pipe = free.pop()
                    pipe.send(task)
                    busy[pipe] = number
                for ready in wait(list(busy)):
                    pipe = cast("Connection", ready)
                    number = busy.pop(pipe)
                    failed, answer = pipe.recv()
                    if failed:
                        faults.append(answer)
                    else:
                        done[number] = answer
                    free.append(pipe)
        except (EOFError, OSError) as failure:
            raise DrawingFailed("进程意外结束") from failure
        if faults:
            raise DrawingFailed(faults[0])
        return [done[number] for number in range(len(tasks))]


@contextmanager
def crew(do: Callable[[Task], Done], hands: int) -> Iterator[Crew[Task, Done]]:
    """A crew while the block runs; what must not be shared with a forked process was let go of before."""
    gc.freeze()  # What lives already outlives the drawing: looking through it again for every thousand pages is waste.
    try:
        with _forked(do, hands) if hands > 1 and _may_fork() else nullcontext(Crew(do, [])) as found:
            yield found
    finally:
        gc.unfreeze()


@contextmanager
def _forked(do: Callable[[Task], Done], hands: int) -> Iterator[Crew[Task, Done]]:
    context = get_context("fork")
    pipes: list[Connection] = []
    processes = []
    try:
        for _ in range(hands):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            process = context.Process(target=_serve, args=(do, theirs, tuple(pipes)), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
        yield Crew(do, pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()


def hands_here() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def _may_fork() -> bool:
    # A lock that another thread holds at this moment would never be let go in the new process.
    return sys.platform == "linux" and threading.active_count() == 1


def _serve(do: Callable[[Task], Done], pipe: Connection, others: Sequence[Connection]) -> None:
    # The other ends of this and of earlier pipes: while a copy is open nobody would see that the first process ended.
    for other in others:
        other.close()
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            task = pipe.recv()
            try:
                pipe.send((False, do(task)))
            except Exception as failure:  # noqa: BLE001  # Whatever it is, the first process must hear of it.
                traceback.print_exc()
                pipe.send((True, f"{type(failure).__name__}：{failure}"))
