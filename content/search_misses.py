"""What was looked for and not found, kept without who looked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from content.checks import IDENTITY, MOBILE
from content.search_grams import LONGEST_QUERY
from kernel.model import Base
from kernel.typed import tidy
from kernel.work import Work


class SearchMiss(Base):
    """What somebody looked for and did not find; nothing about who it was."""

    __tablename__ = "search_miss"

    id: Mapped[int] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def record_miss(work: Work, query: str) -> None:
    """Keeps what was looked for and not found, with numbers of people masked."""
    words = masked(" ".join(tidy(query).split())[:LONGEST_QUERY])
    if words:
        work.session.add(SearchMiss(query=words, at=work.now))


def masked(text: str) -> str:
    """The text with the numbers of identity cards and mobile phones taken out."""
    for pattern in (IDENTITY, MOBILE):
        text = pattern.sub("***", text)
    return text
