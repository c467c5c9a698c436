"""The bot's own words, out of templates/replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import expecting
from bot.knowledge import Passage, Source
from templates.engine import Engine


@dataclass(frozen=True)
class Words:
    """What the bot says; `portal` goes in front of paths where a reader needs the whole address."""

    pages: Engine
    portal: str

    def say(self, name: str, **values: Any) -> str:
        """One of the sentences in templates/replies."""
        return self.pages.render(f"replies/{name}.txt", **values).strip()

    def answer(self, text: str, sources: Sequence[Source]) -> str:
        """An answer with its sources as plain text, for channels that show nothing else."""
        return self.say("answer", text=text, sources=self.links(sources[:1]))

    def no_answer(self, found: Sequence[Passage], *, linked: bool) -> str:
        """That the bot does not know, with passages that may help; `linked`: the page shows the links itself."""
        told = [(one.source.title, one.text, "" if linked else f"{self.portal}{one.source.path}") for one in found]
        return self.say("no_answer", found=told)

    def waits(self, name: str, ahead: int, expected: int, hotline: str) -> str:
        """That a person comes: how many are before, and in about how many minutes (0: not known)."""
        return self.say(name, ahead=ahead, expected=expected, longest=expecting.LONGEST, hotline=hotline)

    def ticket(self, number: str, kind: str, unit: str, due: datetime) -> str:
        """That a ticket was made."""
        return self.say("ticket", number=number, kind=kind, unit=unit, due=due)

    def links(self, sources: Sequence[Source]) -> list[tuple[str, str]]:
        """Titles with whole addresses."""
        return [(source.title, f"{self.portal}{source.path}") for source in sources]
