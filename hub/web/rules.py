"""规则: what the office sets for itself, per unit, with every earlier setting kept."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from hub.product import Hub
from hub.web import rule_words
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from hub.web.rule_words import brief, show
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.office_rules import RULES, Rule, RuleVersion, set_rule, value_of
from kernel.people import Permission, Person, Unit, ancestors
from kernel.typed import tidy
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/rules")

Keeper = Annotated[Asker, Depends(may(Permission.RULE_WRITE))]
Text = Annotated[str, Form()]
COLUMNS = ((_("规则"), ""), (_("现行值"), ""), (_("来自"), ""))
HISTORY_COLUMNS = ((_("生效时间"), ""), (_("单位"), ""), (_("值"), ""), (_("设置人"), ""))


@router.get("")
def rules(request: Request, hub: HubDep, asker: Keeper, unit: str = "", find: str = "") -> HTMLResponse:
    """Every rule with its value in force for one unit and where that value comes from, by area."""
    find = tidy(find).strip()
    with hub.works.read() as work:
        where = unit_in_reach(work.session, asker, Permission.RULE_WRITE, unit or _first_unit(asker))
        rows = [
            (rule, brief(value_of(work.session, rule, where.id, work.now)), _source(work, rule, where))
            for rule in sorted(RULES.values(), key=lambda rule: rule.name)
        ]
        units = units_in_reach(work.session, asker, Permission.RULE_WRITE)
    return page(
        request,
        asker,
        "pages/rules/list.html",
        areas=rule_words.by_area(rows, find),
        find=find,
        unit=where,
        units=units,
        columns=columns(hub, asker, *COLUMNS),
    )


@router.get("/{name}")
def one_rule(request: Request, hub: HubDep, asker: Keeper, name: str, unit: str = "", find: str = "") -> HTMLResponse:
    """One rule for one unit, with its history; in a long list of words one can be looked for."""
    return _page(request, hub, asker, name, unit or _first_unit(asker), None, find=tidy(find).strip())


@router.post("/{name}")
def change_rule(request: Request, hub: HubDep, asker: Keeper, name: str, unit: Text = "", value: Text = "") -> Response:
    """Sets the rule for a unit from now on."""
    rule = rule_named(name)
    try:
        with hub.works.write(asker.actor) as work:
            where = unit_in_reach(work.session, asker, Permission.RULE_WRITE, unit)
            set_rule(work, name, where.id, read(rule, value))
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, value=value)
        return _page(request, hub, asker, name, unit, form, status=error.status)
    return see_other(f"/console/rules?unit={where.id}", say(hub, asker, _("规则已生效：%(name)s。"), name=rule.label))


def read(rule: Rule[Any], text: str) -> object:
    """A field's text as a value of the rule's own kind; raises Invalid when it is of another."""
    if isinstance(rule.default, str):
        return text.strip()
    if rule_words.is_words(rule.default) and text.strip() and not rule_words.looks_like_json(text):
        return [word for line in text.splitlines() if (word := line.strip())]
    try:
        value: object = json.loads(text)
    except ValueError:
        raise Invalid(field="value", why=f"{rule.label}的写法不对，应如：{show(rule.default)}。") from None
    return of_its_kind(rule, value)


def of_its_kind(rule: Rule[Any], value: object) -> object:
    """The value; raises Invalid when it is of another kind than the rule's own."""
    if _kind(value) is not _kind(rule.default):
        raise Invalid(field="value", why=f"{rule.label}的写法不对，应如：{show(rule.default)}。")
    return value


def _kind(value: object) -> type:
    # Whole and broken numbers are one kind for people; truth values are numbers only for Python.
    return float if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    name: str,
    unit: str,
    form: FormState | None,
    *,
    find: str = "",
    status: int = 200,
) -> HTMLResponse:
    rule = rule_named(name)
    with hub.works.read() as work:
        where = unit_in_reach(work.session, asker, Permission.RULE_WRITE, unit)
        value = value_of(work.session, rule, where.id, work.now)
        history = work.session.execute(
            select(RuleVersion, Unit.name, Person.name)
            .join(Unit, Unit.id == RuleVersion.unit_id)
            .outerjoin(Person, Person.id == RuleVersion.set_by)
            .where(RuleVersion.name == name, RuleVersion.unit_id.in_(ancestors(work.session, where.id)))
            .order_by(RuleVersion.in_force_at.desc(), RuleVersion.id.desc())
            .limit(100)
        ).all()
        source = _source(work, rule, where)
    return page(
        request,
        asker,
        "pages/rules/one.html",
        status=status,
        rule=rule,
        unit=where,
        present=show(value),
        source=source,
        default=show(rule.default),
        words=_words(rule, value, find),
        form=form or FormState({"value": rule_words.as_written(value)}),
        long=isinstance(rule.default, (list, dict)),
        lines=rule_words.is_words(rule.default),
        truth=isinstance(rule.default, bool),
        columns=columns(hub, asker, *HISTORY_COLUMNS),
        history=[
            (version, show(version.value), _many(version.value), unit_name, person)
            for version, unit_name, person in history
        ],
    )


def _many(value: object) -> list[str]:
    """The words of a list too long to be read at one look; none else."""
    return value if rule_words.is_words(value) and len(value) > rule_words.FEW else []


def _words(rule: Rule[Any], value: object, find: str) -> dict[str, Any] | None:
    """A long list in groups, what was looked for in it, and how it differs from the default; None for other values."""
    words = _many(value)
    if not words:
        return None
    more, less = rule_words.compared(rule, words)
    return {
        "count": len(words),
        "groups": rule_words.groups_of(rule, words, find),
        "find": find,
        "more": [rule_words.Group(_("本单位另加的"), more)] if more else [],
        "less": [rule_words.Group(_("本单位去掉的"), less)] if less else [],
    }


def rule_named(name: str) -> Rule[Any]:
    """The rule of that name; raises NotFound."""
    rule = RULES.get(name)
    if rule is None:
        raise NotFound
    return rule


def _source(work: Work, rule: Rule[Any], unit: Unit) -> str:
    names = dict(
        work.session.execute(
            select(RuleVersion.unit_id, Unit.name)
            .join(Unit, Unit.id == RuleVersion.unit_id)
            .where(RuleVersion.name == rule.name, RuleVersion.in_force_at <= work.now)
        ).all()
    )
    return next((names[unit_id] for unit_id in ancestors(work.session, unit.id) if unit_id in names), "")


def _first_unit(asker: Asker) -> str:
    units = asker.viewer.units(Permission.RULE_WRITE)
    own = asker.viewer.unit_id
    return str(own if own in units else min(units))
