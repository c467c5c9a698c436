"""The bot's own words, out of templates/replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot import expecting
from bot.knowledge import Passage, Source
from templates.engine import Engine


@dataclass(frozen=True)
class Words:
    """What the bot says; `portal` goes in front of paths where a reader needs the whole address.

    `where` tells by its number where a piece's page stands now, and names no piece that has none. What is told of
    sources is told of such as were `placed`.
    """

    pages: Engine
    portal: str
    where: Callable[[Session, Sequence[int]], Mapping[int, str]] | None = None

    def say(self, name: str, **values: Any) -> str:
        """One of the sentences in templates/replies."""
        return self.pages.render(f"replies/{name}.txt", **values).strip()

    def answer(self, text: str, sources: Sequence[Source]) -> str:
        """An answer with its sources as plain text, for channels that show nothing else."""
        return self.say("answer", text=text, sources=self.links(sources)[:1])

    def no_answer(self, found: Sequence[Passage], sources: Sequence[Source], *, linked: bool) -> str:
        """That the bot does not know, with passages that may help; `linked`: the page shows the links itself."""
        told = [
            (one.source.title, one.text, "" if linked else self._whole(source.path))
            for one, source in zip(found, sources, strict=True)
        ]
        return self.say("no_answer", found=told)

    def waits(self, name: str, ahead: int, expected: int, hotline: str) -> str:
        """That a person comes: how many are before, and in about how many minutes (0: not known)."""
        return self.say(name, ahead=ahead, expected=expected, longest=expecting.LONGEST, hotline=hotline)

    def ticket(self, number: str, kind: str, unit: str, due: datetime) -> str:
        """That a ticket was made."""
        return self.say("ticket", number=number, kind=kind, unit=unit, due=due)

    def links(self, sources: Sequence[Source]) -> list[tuple[str, str]]:
        """Titles with whole addresses, of those that have a page to read."""
        return [(one.title, self._whole(one.path)) for one in sources if one.path]

    def placed(self, session: Session, sources: Sequence[Source]) -> list[Source]:
        """The same with where their pages stand now: ours, another platform's, or '' where there is none."""
        if self.where is None or not sources:
            return list(sources)
        known = self.where(session, [one.piece for one in sources])
        return [replace(one, path=known.get(one.piece, "")) for one in sources]

    def _whole(self, address: str) -> str:
        return f"{self.portal}{address}" if address.startswith("/") else address
