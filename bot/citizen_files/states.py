"""Where a citizen's file stands."""

from __future__ import annotations

from enum import StrEnum


class FileState(StrEnum):
    """`waiting` is still to be fetched, `gone` is no longer at the platform, `refused` is not kept, for its reason.

    `forgotten` was kept for its time; its bytes are taken off the disk next.
    """

    WAITING = "waiting"
    KEPT = "kept"
    GONE = "gone"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"
