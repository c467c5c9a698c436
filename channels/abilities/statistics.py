"""A platform that counts day by day: sums of each article, figures of the whole account, and its followers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Generic, TypeVar

Figures = Mapping[str, int]
What = TypeVar("What")


@dataclass(frozen=True)
class ArticleSums:
    """One article as the platform counts it: for each day the sum since its publication, never to be added up."""

    number: str
    url: str
    title: str
    published_on: date
    notified: bool
    days: Mapping[date, Figures]


@dataclass(frozen=True)
class ArticleDay:
    """What one article got on one day alone."""

    number: str
    figures: Figures


@dataclass(frozen=True)
class Told(Generic[What]):
    """An answer; while `delayed` the platform is still counting and has to be asked again."""

    what: What
    delayed: bool = False


class Statistics(ABC):
    """What an adapter reads of a platform's figures; every call is counted against the account's own number a day."""

    days_back: ClassVar[int]
    followers_span: ClassVar[int]

    @abstractmethod
    def counted_until(self, now: datetime) -> date:
        """The newest day that the platform has counted."""

    @abstractmethod
    def article_sums(self, published_on: date) -> Told[Sequence[ArticleSums]]:
        """The articles published on a day, with their sums for each day since."""

    @abstractmethod
    def article_days(self, day: date) -> Told[Sequence[ArticleDay]]:
        """What each article got on one day."""

    @abstractmethod
    def account_day(self, day: date) -> Told[Figures]:
        """All articles of the account together on one day."""

    @abstractmethod
    def followers(self, first: date, last: date) -> Mapping[date, Figures]:
        """Who came, who went and how many there are, day by day; at most `followers_span` days."""
