"""Words that go out without being a piece (a menu's answer, a prepared reply): held to the same lists as pieces are."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import checks
from content.models import ListedWord
from kernel.errors import Invalid
from kernel.people import ancestors


def listed_words(session: Session, unit_id: int) -> list[checks.Word]:
    """The word list in force for a unit: its own and those of the units above."""
    rows = session.scalars(select(ListedWord).where(ListedWord.unit_id.in_(ancestors(session, unit_id))))
    return [checks.Word(row.word, "block" if row.level == "block" else "warn", row.instead, row.note) for row in rows]


def findings(session: Session, unit_id: int, text: str, label: str) -> list[checks.Finding]:
    """What the word list, the misstatements, personal data and marks of secrecy find in a text."""
    return checks.of_words([checks.Part("text", label, text)], listed_words(session, unit_id))


def must_pass(session: Session, unit_id: int, text: str, label: str, field: str) -> None:
    """Raises Invalid at the field for the first finding that blocks; nobody can lift it here."""
    for finding in findings(session, unit_id, text, label):
        if finding.level == "block":
            raise Invalid(field=field, why=finding.message)
