"""One side as a process: writes its numbers and exchanges by files until it is killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hub.db import open_database
from hub.outer.exchange import ByFiles
from hub.outer.folders import Folders
from hub.outer.log import PacketLog, marks_of
from hub.outer.models import OuterPart
from hub.outer.packets import Packet
from kernel.clock import SystemClock
from kernel.seal import Seal, load_key
from kernel.work import Work, Works


def note(work: Work, packet: Packet) -> None:
    """Takes a number: a row in the same commit."""
    work.session.add(OuterPart(what="note", data=str(packet.values["told"]).encode()))


def main(folder: Path, role: str, total: int) -> None:
    """Runs for ever."""
    works = Works(open_database(f"sqlite:///{folder / role}.db"), SystemClock())
    log = PacketLog(works, Seal(load_key(folder / f"{role}.key")), {"note": note})
    exchange = ByFiles(log, Folders(folder / f"{role}-in", folder / f"{role}-out"), role)
    while True:
        with works.write() as work:
            written = marks_of(work.session)["written"]
            if written < total:
                log.put(work, "note", {"told": written + 1})
        exchange.round()
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
