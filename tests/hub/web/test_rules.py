"""规则: set per unit, inherited from above, checked, and kept with their history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.rules import SENSITIVE_WORDS
from hub.web.rule_words import FEW, as_written, show
from hub.web.rules import read
from kernel import office_rules
from kernel.errors import Invalid
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Role
from tests.hub.office import Browser, Office

LEVELS: Rule[int] = Rule("probe.levels", 3, "审签级数", number_between(1, 5))
QUIET: Rule[list[str]] = Rule("probe.quiet", ["22:00", "07:00"], "免打扰时段")
STRICT: Rule[bool] = Rule("probe.strict", True, "严格模式")
PHRASE: Rule[str] = Rule("probe.phrase", "请稍候", "等候语")
SHARE: Rule[float] = Rule("probe.share", 0.5, "比例")
RULES: tuple[Rule[Any], ...] = (LEVELS, QUIET, STRICT, PHRASE, SHARE)


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """A few rules of every kind."""
    for rule in RULES:
        declare(rule)
    yield
    for rule in RULES:
        del office_rules.RULES[rule.name]


@pytest.fixture
def admin(office: Office) -> Browser:
    """The system administrator of the whole city."""
    office.hire("admin", "root", Role.SYSTEM_ADMIN, below=True)
    return office.log_in("admin")


def in_force(office: Office, rule: Rule[Any], unit: str) -> object:
    with office.hub.works.read() as work:
        return value_of(work.session, rule, office.unit(unit).id, work.now)


def test_a_rule_says_what_setting_it_does_and_a_long_one_is_shortened_in_the_list(admin: Browser) -> None:
    page = admin.get("/console/rules/bot.sensitive_words").text
    assert "代替系统默认的全部词语" in page
    assert SENSITIVE_WORDS.default[-1] in page
    listed = admin.get("/console/rules").text.split("bot.sensitive_words</span>")[1].split("</tr>")[0]
    assert SENSITIVE_WORDS.default[0] in listed
    assert SENSITIVE_WORDS.default[-1] not in listed


def test_a_long_list_is_folded_in_groups_with_their_counts_and_searched(admin: Browser) -> None:
    page = admin.get("/console/rules/bot.sensitive_words").text
    groups = SENSITIVE_WORDS.groups
    assert page.count('<details class="fold">') == len(groups)
    for name, words in groups.items():
        head = page.split(f">{name}<")[1].split("</summary>")[0]
        assert f"{len(words)} 项" in head
    assert page.count("<li>强拆我</li>") == 1
    assert "与系统默认相比" not in page
    found = admin.get("/console/rules/bot.sensitive_words?find=强拆").text.split('role="status"')[1]
    assert found.count('<details class="fold" open>') == 1
    assert "<li>强拆我</li>" in found
    assert "贪污" not in found
    assert "没有含“地铁”的词语" in admin.get("/console/rules/bot.sensitive_words?find=地铁").text


def test_its_words_are_written_one_a_line_and_what_differs_from_the_default_is_said(
    office: Office, admin: Browser
) -> None:
    kept = list(SENSITIVE_WORDS.default)[1:]
    written = as_written([*kept, "地铁停运"])
    assert written.splitlines()[-1] == "地铁停运"
    admin.send_form(
        "/console/rules/bot.sensitive_words", unit=office.unit("root").id, value=written.replace("\n", "\r\n \r\n")
    )
    assert in_force(office, SENSITIVE_WORDS, "root") == [*kept, "地铁停运"]
    page = admin.get("/console/rules/bot.sensitive_words").text
    own = page.split("与系统默认相比")[1].split("</form>")[0]
    assert "<li>地铁停运</li>" in own.split("本单位去掉的")[0]
    assert f"<li>{SENSITIVE_WORDS.default[0]}</li>" in own.split("本单位去掉的")[1]
    assert ">另加的<" in page


def test_rules_stand_folded_by_area_and_one_is_found_by_its_words(admin: Browser) -> None:
    page = admin.get("/console/rules").text
    assert "<summary" in page.split("desk.opens")[0]
    assert '<details class="fold fold--table" open>' not in page
    order = [page.index(one) for one in (">审签<", "signing.column_levels", ">其他<", "probe.levels")]
    assert order == sorted(order)
    found = admin.get("/console/rules?find=敏感").text
    assert '<details class="fold fold--table" open>' in found
    assert "bot.sensitive_words" in found
    assert "desk.opens" not in found
    assert "没有符合条件的结果" in admin.get("/console/rules?find=没有这样的规则").text


@pytest.mark.parametrize("value", [["a", "b"], [], ['"a"', "b"], [" a"], ["a\nb"], [f"w{n}" for n in range(FEW + 1)]])
def test_words_are_read_as_they_stand_in_their_field(value: list[str]) -> None:
    assert read(QUIET, as_written(value)) == value


def test_a_rule_holds_for_its_unit_and_below(office: Office, admin: Browser) -> None:
    north = office.unit("north").id
    answer = admin.send_form("/console/rules/probe.levels", unit=north, value="4")
    assert answer.headers["location"] == f"/console/rules?unit={north}"
    found = {unit: in_force(office, LEVELS, unit) for unit in ("root", "north", "north-desk", "south")}
    assert found == {"root": 3, "north": 4, "north-desk": 4, "south": 3}
    page = admin.get(f"/console/rules?unit={office.unit('north-desk').id}").text
    assert "北区" in page.split(LEVELS.name)[-1].split("</tr>")[0]


def test_every_setting_is_kept(office: Office, admin: Browser) -> None:
    root = office.unit("root").id
    for value in ("2", "5"):
        admin.send_form("/console/rules/probe.levels", unit=root, value=value)
    page = admin.get(f"/console/rules/probe.levels?unit={office.unit('north').id}").text
    assert page.index("<code>5</code>") < page.index("<code>2</code>")
    assert "admin某" in page


@pytest.mark.parametrize(
    ("rule", "value"),
    [(LEVELS, "9"), (LEVELS, "many"), (LEVELS, "true"), (QUIET, '"22:00"'), (STRICT, "1"), (LEVELS, "")],
)
def test_a_wrong_value_is_refused_beside_its_field(office: Office, admin: Browser, rule: Rule[Any], value: str) -> None:
    answer = admin.send_form(f"/console/rules/{rule.name}", unit=office.unit("root").id, value=value)
    assert answer.status_code == 422
    assert 'id="value-error"' in answer.text
    assert in_force(office, rule, "root") == rule.default


def test_an_unknown_rule_is_not_found(admin: Browser) -> None:
    assert admin.get("/console/rules/probe.none").status_code == 404
    assert admin.get("/console/rules?unit=x").status_code == 404


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [(LEVELS, "2", 2), (QUIET, '["a"]', ["a"]), (STRICT, "false", False), (PHRASE, " 马上 ", "马上"), (SHARE, "1", 1)],
)
def test_values_are_read_as_their_own_kind(rule: Rule[Any], text: str, value: object) -> None:
    found = read(rule, text)
    assert found == value
    assert read(rule, show(found)) == found


def test_a_phrase_that_looks_like_a_number_stays_a_phrase() -> None:
    assert read(PHRASE, "12345") == "12345"
    with pytest.raises(Invalid):
        read(LEVELS, "NaN!")
