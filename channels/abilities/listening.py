"""A platform whose pushes can be verified and opened without the keys that act in the account's name."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar


class Listening(ABC):  # noqa: B024  # Nothing to implement: an adapter only names what it hears with.
    """What of an account may stand on a machine before the house, so that it hears and answers there.

    `hears_with` names the credentials that verify a push, open it and close the answer. None of them lets anybody
    publish, read followers or write to them.
    """

    hears_with: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def shown_outside(cls, credentials: Mapping[str, str]) -> dict[str, str]:
        """What of the credentials, or made of them, may stand there."""
        return {name: credentials[name] for name in cls.hears_with if credentials.get(name)}
