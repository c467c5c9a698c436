"""The demo office holds together: everything is present, refers to what exists and breaks no inspector's rule."""

import re
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from content.kinds import kind_of
from hub.demo import fill
from hub.demo.corpus import (
    DATA,
    GuideRow,
    NoticeRow,
    TimeLimit,
    load_faqs,
    load_guides,
    load_notices,
    load_office,
    load_smalltalk,
)
from kernel.clock import StillClock
from kernel.people import Role, Unit

CORPORATE_THEMES = {"设立变更", "准营准办", "社会保障", "人力资源", "税收财务", "资质认证"}
PERSONAL_THEMES = {
    "证件办理",
    "户籍办理",
    "出境入境",
    "交通出行",
    "社会保障",
    "社会救助",
    "离职退休",
    "医疗卫生",
    "住房保障",
    "婚姻登记",
    "教育科研",
    "生育收养",
}
NATIONAL_HOTLINES = {"12345", "12333", "12393", "12329", "12348", "12366", "12123"}

OFFICE = load_office()
GUIDES = load_guides()
FAQS = load_faqs()
SMALLTALK = load_smalltalk()
NOTICES = load_notices()
FILES = sorted(DATA.glob("*.yaml"))

by_key = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.key)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def test_there_is_enough_to_show() -> None:
    assert len(GUIDES) == 30
    assert len(FAQS) >= 60
    assert len(NOTICES) == 13
    assert len(OFFICE.people) >= 14
    assert {talk.key for talk in SMALLTALK} == {
        "greet",
        "thanks",
        "goodbye",
        "human_handoff",
        "bot_identity",
        "dissatisfied",
    }


def test_keys_are_unique() -> None:
    for keys in (
        [unit.key for unit in OFFICE.units],
        [person.login for person in OFFICE.people],
        [column.slug for column in OFFICE.columns],
        [account.key for account in OFFICE.accounts],
        [guide.key for guide in GUIDES],
        [guide.task_code for guide in GUIDES],
        [faq.key for faq in FAQS] + [talk.key for talk in SMALLTALK],
        [notice.key for notice in NOTICES],
    ):
        assert len(keys) == len(set(keys))


def test_units_form_one_tree_listed_from_the_top() -> None:
    seen: set[str] = set()
    for unit in OFFICE.units:
        assert unit.parent in seen or (unit.parent is None and not seen)
        seen.add(unit.key)


def test_every_role_is_held_and_no_other() -> None:
    assert {role for person in OFFICE.people for role in person.roles} == set(Role)


def test_the_three_administrators_are_three_people_with_nothing_else() -> None:
    administrators = [
        person.roles for person in OFFICE.people if set(person.roles) & {"system_admin", "security_admin", "auditor"}
    ]
    assert sorted(administrators) == [("auditor",), ("security_admin",), ("system_admin",)]


def test_every_reference_resolves() -> None:
    units = {unit.key for unit in OFFICE.units}
    faqs = {faq.key for faq in FAQS}
    guides = {guide.key for guide in GUIDES}
    notices = {notice.key for notice in NOTICES}
    assert {row.unit for row in (*OFFICE.people, *OFFICE.columns, *OFFICE.accounts, *GUIDES, *NOTICES)} <= units
    assert {key for guide in GUIDES for key in guide.faqs} <= faqs
    assert {faq.guide for faq in FAQS if faq.guide} <= guides
    assert {notice.column for notice in NOTICES} <= {column.slug for column in OFFICE.columns}
    assert {key for notice in NOTICES for key in notice.related} <= notices


def test_a_faq_linked_to_a_guide_is_named_by_it() -> None:
    named = {(guide.key, key) for guide in GUIDES for key in guide.faqs}
    assert {(faq.guide, faq.key) for faq in FAQS if faq.guide} <= named


def test_columns_cover_every_kind() -> None:
    assert {column.kind for column in OFFICE.columns} == {
        "news",
        "notice",
        "policy",
        "gallery",
        "feature",
        "interpretation",
        "guide",
        "faq",
    }
    assert all(column.freshness_days == 14 for column in OFFICE.columns if column.kind == "news")


def test_accounts_cover_every_channel_and_are_on_the_register() -> None:
    doors = {(account.channel, account.type) for account in OFFICE.accounts}
    assert {("wechat", "subscription"), ("wechat", "service")} <= doors
    assert {channel for channel, _ in doors} == {"portal", "wechat", "weibo", "jpush", "web_push", "manual"}
    for account in OFFICE.accounts:
        entry = account.register
        assert all(getattr(entry, field.name) for field in fields(entry))
        assert re.fullmatch(r"\d{10}", entry.site_code)


@by_key
def test_a_guide_leaves_no_field_empty(guide: GuideRow) -> None:
    may_be_empty = {"visits", "visits_reason", "mail", "places", "theme", "personal_theme", "legal_theme"}
    for field in fields(guide):
        if field.name not in may_be_empty:
            assert getattr(guide, field.name), field.name
    assert all(step.name and step.text for step in guide.steps)
    assert all(material.name and material.source for material in guide.materials)
    assert guide.fee.amount
    assert guide.result.sample


@by_key
def test_codes_have_the_national_shape(guide: GuideRow) -> None:
    assert re.fullmatch(r"\d{12}", guide.catalog_code)
    assert re.fullmatch(r"11999900[0-9]{8}[0-9X][0-9A-Z]\d{13}", guide.task_code)
    assert guide.task_code.endswith(guide.catalog_code)


@by_key
def test_the_promise_is_no_longer_than_the_law_allows(guide: GuideRow) -> None:
    assert guide.promised.unit == "工作日"
    assert guide.promised.calendar_days <= guide.statutory.calendar_days


@by_key
def test_done_on_the_spot_and_case_type_agree(guide: GuideRow) -> None:
    immediate = guide.promised.days == 0
    assert (guide.case_type == "即办件") == immediate
    assert (guide.review_type == "即审即办") == immediate


@by_key
def test_result_name_and_type_agree(guide: GuideRow) -> None:
    for ending, kind in (("证", "出证"), ("文", "出文"), ("批复", "审批办结")):
        assert guide.result.name.endswith(ending) == (guide.result.type == kind)


@by_key
def test_visits_are_explained_and_none_means_online_or_mail(guide: GuideRow) -> None:
    assert bool(guide.visits) == bool(guide.visits_reason)
    if guide.visits == 0:
        assert guide.online.available or guide.mail
    if guide.online.depth == "Ⅳ级":
        assert guide.visits == 0
    assert guide.online.available == bool(guide.online.address)


@by_key
def test_a_fee_has_its_basis_and_no_fee_has_none(guide: GuideRow) -> None:
    fee = guide.fee
    assert fee.charged == bool(fee.item) == bool(fee.basis) == fee.pay_online


@by_key
def test_two_different_telephones_with_area_code(guide: GuideRow) -> None:
    shape = rf"{OFFICE.area_code}-\d{{7}}"
    assert re.fullmatch(shape, guide.phone)
    assert re.fullmatch(shape, guide.supervision_phone)
    assert guide.phone != guide.supervision_phone


@by_key
def test_audience_and_theme_agree(guide: GuideRow) -> None:
    assert set(guide.audience) <= {"个人", "法人"}
    if "个人" in guide.audience:
        assert (guide.personal_theme or guide.theme) in PERSONAL_THEMES
    if "法人" in guide.audience:
        assert (guide.legal_theme or guide.theme) in CORPORATE_THEMES


@by_key
def test_a_licence_has_five_steps_and_a_question(guide: GuideRow) -> None:
    assert len(guide.steps) >= (5 if guide.item_type == "行政许可" else 3)
    assert guide.faqs


@by_key
def test_the_checks_find_nothing_to_say(guide: GuideRow) -> None:
    office = Unit(name=next(unit.name for unit in OFFICE.units if unit.key == guide.unit))
    incoming = [{"kind": "faq", "title": row.question, "path": ""} for row in FAQS if row.guide == guide.key]
    assert kind_of("guide").lint({**fill._guide_fields(guide, office), "incoming": incoming}) == []


@by_key
def test_only_paper_is_counted_in_copies(guide: GuideRow) -> None:
    for material in guide.materials:
        assert (material.copies == 0) == (material.form == "电子"), material.name


def test_each_faq_can_be_learned() -> None:
    for faq in FAQS:
        assert len(faq.wordings) >= 12, faq.key
        assert faq.question == faq.wordings[0]
        assert len(faq.answer) >= 30, faq.key
    assert all(len(talk.wordings) >= 12 and talk.answer for talk in SMALLTALK)


def test_no_wording_stands_twice() -> None:
    counted = Counter(_plain(wording) for row in (*FAQS, *SMALLTALK) for wording in row.wordings)
    assert [wording for wording, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.key)
def test_a_notice_reads_like_one(notice: NoticeRow) -> None:
    body = notice.body
    text = re.sub(r"<[^>]+>|\s", "", body)
    assert 400 <= len(text) <= 900
    assert all((notice.title, notice.digest, notice.source, notice.author))
    opened = re.findall(r"<(\w+)>", body)
    closed = re.findall(r"</(\w+)>", body)
    assert Counter(opened) == Counter(closed)
    assert set(opened) <= {"p", "h3", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "strong"}


def test_policies_have_a_number_and_an_interpretation() -> None:
    kinds = {column.slug: column.kind for column in OFFICE.columns}
    policies = [notice for notice in NOTICES if kinds[notice.column] == "policy"]
    assert len(policies) >= 2
    for policy in policies:
        assert policy.document_no
        assert policy.validity == "有效"
        assert policy.document_no in policy.body or policy.related


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_can_reach_a_real_person(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<!\d)1[3-9]\d{9}(?!\d)", text) == []
    assert set(re.findall(r"(?<!\d)(0\d{2,3})-\d{7,8}", text)) <= {OFFICE.area_code}
    assert set(re.findall(r"(?<!\d)12\d{3}(?!\d)", text)) <= NATIONAL_HOTLINES
    for address in re.findall(r"https?://([^/\s}]+)", text):
        assert address.endswith(".example")


@pytest.mark.parametrize(
    ("limit", "printed", "calendar"),
    [
        (TimeLimit(0, "工作日"), "即办", 0),
        (TimeLimit(20, "工作日"), "20个工作日", 28),
        (TimeLimit(60, "日"), "60日", 60),
    ],
)
def test_a_limit_prints_and_compares(limit: TimeLimit, printed: str, calendar: float) -> None:
    assert str(limit) == printed
    assert limit.calendar_days == calendar


def test_every_policy_is_signed_in_the_year_of_its_number_and_has_an_index_number_of_its_own() -> None:
    filling = SimpleNamespace(clock=StillClock(datetime(2026, 11, 30, tzinfo=UTC)))
    policies = {notice.key: notice for notice in NOTICES if notice.column == "zhengce"}
    made = {key: fill._notice_fields(row, cast(fill.Filling, filling), "policy") for key, row in policies.items()}
    for key, said in made.items():
        assert f"〔{said['issued_on'][:4]}〕" in said["document_number"], key
        assert said["issuer"] == policies[key].author
    assert len({fields["index_number"] for fields in made.values()}) == len(made) > 2
