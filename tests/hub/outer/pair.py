"""Two sides on databases of their own, paired, whose handlers note what they were handed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from hub.db import open_database
from hub.outer import pairing
from hub.outer.log import PacketLog
from hub.outer.packets import Packet
from kernel.clock import StillClock
from kernel.seal import Seal
from kernel.work import Work, Works


@dataclass
class Side:
    """One side: its log and what it took, in order."""

    log: PacketLog
    taken: list[object] = field(default_factory=list)
    failing: set[object] = field(default_factory=set)

    def put(self, told: object, data: bytes = b"") -> int:
        """Writes a packet of its own work."""
        with self.log.works.write() as work:
            return self.log.put(work, "note", {"told": told}, data)

    def note(self, work: Work, packet: Packet) -> None:
        """Takes a packet: notes it once its work is committed, as a row would be."""
        told = packet.values["told"]
        if told in self.failing:
            raise ValueError(str(told))
        work.after_commit(lambda: self.taken.append(told))


def side_on(url: str, clock: StillClock) -> Side:
    """A side that is not paired yet."""
    side = Side(PacketLog(Works(open_database(url), clock), Seal(Fernet.generate_key())))
    side.log.handlers["note"] = side.note
    return side


def pair(inner: Side, outer: Side) -> None:
    """As the three commands do."""
    with inner.log.works.write() as work:
        invited = pairing.invite(work, inner.log.seal)
    with outer.log.works.write() as work:
        answer = pairing.join(work, outer.log.seal, invited)
    with inner.log.works.write() as work:
        pairing.accept(work, answer)


def two_sides(template: Path, folder: Path, clock: StillClock) -> tuple[Side, Side]:
    """Inside and outside, paired, each on a copy of an empty database."""
    sides = []
    for name in ("inner", "outer"):
        path = folder / f"{name}.db"
        path.write_bytes(template.read_bytes())
        sides.append(side_on(f"sqlite:///{path}", clock))
    pair(*sides)
    return sides[0], sides[1]
