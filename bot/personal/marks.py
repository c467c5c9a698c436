"""What stands for a telephone where the number itself is not kept: only this installation can make it."""

from __future__ import annotations

from kernel.seal import Seal


def of_codes(seal: Seal, phone: str) -> str:
    """For counting the codes that go to it."""
    return seal.fingerprint(f"code phone\0{phone}")


def of_requests(seal: Seal, phone: str) -> str:
    """For finding what was asked from it about its holder's data."""
    return seal.fingerprint(f"data request\0{phone}")
