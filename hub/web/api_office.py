"""The API of how the office is set up: units, columns, listed words, and the office's rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from content.models import Column, ListedWord
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, Done, Page, PageNumber, one_page
from hub.web.columns import ColumnForm, add_column, alter_column, column_for
from hub.web.people import unit_in_reach
from hub.web.rules import of_its_kind, rule_named
from hub.web.sent import Body, Moment
from hub.web.units import found_unit, name_unit
from hub.web.words import LEVEL_OPTIONS, drop_word, keep_word, words_in_reach
from kernel.office_rules import RULES, Rule, set_rule, value_of
from kernel.people import Permission, Unit, scoped
from kernel.work import Work

router = APIRouter(prefix="/api/v1")

P = Permission
PeopleReader = Annotated[Asker, Depends(api_may(P.PERSON_READ))]
Founder = Annotated[Asker, Depends(api_may(P.UNIT_WRITE))]
ColumnKeeper = Annotated[Asker, Depends(api_may(P.COLUMN_WRITE))]
WordReader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
WordKeeper = Annotated[Asker, Depends(api_may(P.PIECE_REVIEW))]
RuleKeeper = Annotated[Asker, Depends(api_may(P.RULE_WRITE))]


class UnitName(Body):
    """What a unit is called."""

    name: str


class NewUnit(UnitName):
    """A unit under another one; other systems know it by its code, which stays."""

    code: str
    parent: int


class ColumnWords(Body):
    """A column: its names, after how many days of silence it is told of (null: never), its place in the menu."""

    name: str = ""
    freshness_days: int | None = None
    description: str = ""
    keywords: str = ""
    position: int = Field(0, ge=0, le=99_999)
    active: bool = True

    def form(self, **more: str) -> ColumnForm:
        """The same as the console's form has it."""
        kept = {"slug": "", "kind": "", "unit": "", **more}
        return ColumnForm(
            name=self.name,
            freshness="" if self.freshness_days is None else str(self.freshness_days),
            description=self.description,
            keywords=self.keywords,
            position=str(self.position),
            active="1" if self.active else "",
            **kept,
        )


class NewColumn(ColumnWords):
    """A new column; published pages depend on its address (`slug`) and kind, which stay."""

    name: str
    slug: str
    kind: str
    unit: int


class WordIn(Body):
    """A word that is blocked or pointed out in a unit and those below it, and what to write instead."""

    unit: int
    word: str
    level: Literal["block", "warn"]
    instead: str = ""
    note: str = ""


class RuleValue(Body):
    """The value of a rule for one unit, of the rule's own kind; from a moment on (none: from now on)."""

    unit: int
    value: Any
    in_force_at: Moment | None = None


class UnitTold(TypedDict):
    """A unit and the one above it."""

    id: int
    name: str
    code: str
    parent: int | None


class Units(TypedDict):
    """The units in reach, those above first."""

    units: list[UnitTold]


class ColumnTold(TypedDict):
    """A column."""

    id: int
    unit: int
    slug: str
    kind: str
    name: str
    freshness_days: int | None
    description: str
    keywords: str
    position: int
    active: bool


class Columns(TypedDict):
    """The columns in reach in their order."""

    columns: list[ColumnTold]


class WordTold(TypedDict):
    """A listed word."""

    id: int
    unit: int
    word: str
    level: str
    instead: str
    note: str


class Words(Page):
    """One page of listed words."""

    words: list[WordTold]


class RuleTold(TypedDict):
    """A rule as it holds for one unit."""

    name: str
    label: str
    unit: int
    value: Any
    default: Any


class Rules(TypedDict):
    """Every rule as it holds for one unit."""

    rules: list[RuleTold]


# --- units -----------------------------------------------------------------------------------------------------


@router.get("/units")
def list_units(hub: HubDep, asker: PeopleReader) -> Units:
    """The units in reach."""
    with hub.works.read() as work:
        query = scoped(select(Unit), Unit.id, asker.viewer, P.PERSON_READ)
        return {"units": [_unit_told(one) for one in work.session.scalars(query.order_by(Unit.path))]}


@router.post("/units", status_code=201)
def create_unit(hub: HubDep, asker: Founder, sent: NewUnit) -> UnitTold:
    """Adds a unit under another one."""
    with hub.works.write(asker.actor) as work:
        return _unit_told(found_unit(work, asker, sent.name, sent.code, str(sent.parent)))


@router.put("/units/{unit_id}")
def rename_unit(hub: HubDep, asker: Founder, unit_id: int, sent: UnitName) -> UnitTold:
    """Gives a unit another name."""
    with hub.works.write(asker.actor) as work:
        return _unit_told(name_unit(work, asker, unit_id, sent.name))


# --- columns ---------------------------------------------------------------------------------------------------


@router.get("/columns")
def list_columns(hub: HubDep, asker: ColumnKeeper) -> Columns:
    """The columns of the units in reach, switched off ones too."""
    with hub.works.read() as work:
        query = scoped(select(Column), Column.unit_id, asker.viewer, P.COLUMN_WRITE)
        rows = work.session.scalars(query.order_by(Column.position, Column.id))
        return {"columns": [_column_told(row) for row in rows]}


@router.post("/columns", status_code=201)
def create_column(hub: HubDep, asker: ColumnKeeper, sent: NewColumn) -> ColumnTold:
    """Adds a column."""
    with hub.works.write(asker.actor) as work:
        typed = sent.form(slug=sent.slug, kind=sent.kind, unit=str(sent.unit))
        return _column_told(add_column(work, asker, typed))


@router.get("/columns/{column_id}")
def get_column(hub: HubDep, asker: ColumnKeeper, column_id: int) -> ColumnTold:
    """One column."""
    with hub.works.read() as work:
        return _column_told(column_for(work.session, asker, column_id))


@router.put("/columns/{column_id}")
def change_column(hub: HubDep, asker: ColumnKeeper, column_id: int, sent: ColumnWords) -> ColumnTold:
    """Changes what is named of a column; what is not named stays."""
    with hub.works.write(asker.actor) as work:
        row = column_for(work.session, asker, column_id)
        kept = {name: getattr(row, name) for name in ColumnWords.model_fields}
        whole = ColumnWords(**{**kept, **sent.model_dump(exclude_unset=True)})
        return _column_told(alter_column(work, asker, column_id, whole.form()))


# --- words -----------------------------------------------------------------------------------------------------


@router.get("/words")
def list_words(hub: HubDep, asker: WordReader, page: PageNumber = 1) -> Words:
    """The words in force for the person's units, 50 to a page."""
    with hub.works.read() as work:
        query = select(ListedWord).where(words_in_reach(work.session, asker))
        head, rows = one_page(work.session, query, page, ListedWord.word, ListedWord.id)
        return {**head, "words": [_word_told(row) for row in rows]}


@router.post("/words", status_code=201)
def list_word(hub: HubDep, asker: WordKeeper, sent: WordIn) -> WordTold:
    """Lists a word, or changes it where the unit lists it already."""
    cells = (sent.word, dict(LEVEL_OPTIONS)[sent.level], sent.instead, sent.note)
    with hub.works.write(asker.actor) as work:
        return _word_told(keep_word(work, asker, str(sent.unit), cells, sent.level))


@router.delete("/words/{word_id}")
def remove_word(hub: HubDep, asker: WordKeeper, word_id: int) -> Done:
    """Takes a word off the list."""
    with hub.works.write(asker.actor) as work:
        drop_word(work, asker, word_id)
    return DONE


# --- rules -----------------------------------------------------------------------------------------------------


@router.get("/rules")
def list_rules(hub: HubDep, asker: RuleKeeper, unit: int) -> Rules:
    """Every rule as it holds for a unit."""
    with hub.works.read() as work:
        where = unit_in_reach(work.session, asker, P.RULE_WRITE, str(unit))
        return {"rules": [_rule_told(work, RULES[name], where, work.now) for name in sorted(RULES)]}


@router.get("/rules/{name}")
def get_rule(hub: HubDep, asker: RuleKeeper, name: str, unit: int) -> RuleTold:
    """One rule as it holds for a unit."""
    with hub.works.read() as work:
        where = unit_in_reach(work.session, asker, P.RULE_WRITE, str(unit))
        return _rule_told(work, rule_named(name), where, work.now)


@router.put("/rules/{name}")
def change_rule(hub: HubDep, asker: RuleKeeper, name: str, sent: RuleValue) -> RuleTold:
    """Sets a rule for a unit; 422 at `value` where it is of another kind or out of bounds."""
    rule = rule_named(name)
    with hub.works.write(asker.actor) as work:
        where = unit_in_reach(work.session, asker, P.RULE_WRITE, str(sent.unit))
        set_rule(work, name, where.id, of_its_kind(rule, sent.value), sent.in_force_at)
        return _rule_told(work, rule, where, sent.in_force_at or work.now)


# --- as JSON ---------------------------------------------------------------------------------------------------


def _unit_told(row: Unit) -> UnitTold:
    return {"id": row.id, "name": row.name, "code": row.code, "parent": row.parent_id}


def _column_told(row: Column) -> ColumnTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "slug": row.slug,
        "kind": row.kind,
        "name": row.name,
        "freshness_days": row.freshness_days,
        "description": row.description,
        "keywords": row.keywords,
        "position": row.position,
        "active": row.active,
    }


def _word_told(row: ListedWord) -> WordTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "word": row.word,
        "level": row.level,
        "instead": row.instead,
        "note": row.note,
    }


def _rule_told(work: Work, rule: Rule[Any], unit: Unit, at: datetime) -> RuleTold:
    value = value_of(work.session, rule, unit.id, at)
    return {"name": rule.name, "label": rule.label, "unit": unit.id, "value": value, "default": rule.default}
