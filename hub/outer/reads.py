"""Outside: openings of pages are counted in memory, as inside, and told to the inside instead of being written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from analytics.collect import ReadCounter
from hub.outer.log import PacketLog, is_paired


class ToldReads(ReadCounter):
    """The portal's counter on the outer host."""

    def __init__(self, log: PacketLog) -> None:
        super().__init__(log.works)
        self.log = log

    def write(self, counted: Mapping[tuple[int, str, datetime], int]) -> None:
        """Hands the counts on."""
        rows = [[piece, channel, hour.isoformat(), times] for (piece, channel, hour), times in sorted(counted.items())]
        with self.works.write() as work:
            if is_paired(work.session):
                self.log.put(work, "reads", {"counted": rows})
