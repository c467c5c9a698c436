"""Fills an empty database with the demo office: its people, columns, accounts, and pieces that went the whole way.

Nothing is written past the product: every guide, question and notice is written, checked, signed by three
people, booked and published through the same functions as in the console, on a clock that starts weeks ago.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, update

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.registry import channels, style_of
from content import attachments, compose, relations, release, review
from content.attachments import Attachment
from content.compose import Draft
from content.models import Asset, Column, Piece, Release
from content.pictures import normalise
from content.snapshot import Target, Window
from hub import log
from hub.auth import grants, passwords, persons
from hub.demo import corpus, paper_forms, timetable
from hub.demo.drawing import landscape
from hub.demo.duties import hear, owe
from hub.demo.life import live_in
from hub.demo.platforms import credentials_of, number_of
from hub.demo.reception import DESKS, furnish, plan_shifts
from hub.demo.talks import Diary
from hub.errors import CannotRun
from hub.notices import Notice
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.people import Person, Unit, Viewer, add_unit, viewer
from kernel.work import Actor, Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.dispatch import Dispatcher
from scheduler.models import Delivery
from scheduler.states import DeliveryState

PASSWORD = "Yunjiang-2026"  # noqa: S105  # The demo's own, printed on the terminal for whoever tries it.
# So many that ratings of the quarter before can be read.
FIRST_DAYS = 130
# How old the open matter of public opinion is when the demo starts.
HEARD_BEFORE = timedelta(hours=3)
AGENT, HEAD = "wujiayi", "fenglixin"
# The head of the unit whose items were rated.
RIGHTER = "hezhiyuan"
AUTHOR, PROOFREADER, SIGNERS = "linxiaowen", "sumin", ("sumin", "chenguodong", "zhaomingyuan")
# The service centre, and the desk it hands on to, answer around the clock, so that they can be tried at any hour.
DESK_RULES = {"desk.unit": "service_centre", "desk.opens": "00:00", "desk.closes": "00:00", "desk.every_day": True}
LIMIT_UNITS = {"工作日": "workdays", "日": "days"}

Progress = Callable[[str], None]


@dataclass
class Filling:
    """The office while it is being filled."""

    hub: Hub
    clock: StillClock
    units: dict[str, Unit] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    portal: Account | None = None
    guides: dict[str, int] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)


def is_empty(hub: Hub) -> bool:
    """Whether nobody has set this installation up yet."""
    with hub.works.read() as work:
        return work.session.scalar(select(Unit.id).limit(1)) is None


def fill(settings: Settings, rehearsal_url: str, progress: Progress = lambda _line: None) -> None:
    """Fills an empty, migrated database; `progress` is told in words how far it is."""
    filling = _begin(settings)
    # Whoever waits for it reads `progress`, not what the parts say of their work.
    log.configure(as_json=settings.log_json, least=logging.WARNING)
    try:
        _found(filling, rehearsal_url)
        progress("· 机构、人员、栏目、账号")
        for desk in DESKS:
            furnish(lambda login: _by(filling, login), desk, filling.units[desk.unit].id)
        _publish_guides(filling, progress)
        _publish_faqs(filling, progress)
        _publish_notices(filling, progress)
        _publish_specials(filling, progress)
        columns = {slug: column.id for slug, column in filling.columns.items()}
        live_in(lambda login: _by(filling, login), AUTHOR, SIGNERS[-1], columns, settings.address)
        _owe(filling, rehearsal_url)
        for desk in DESKS:
            plan_shifts(lambda login: _by(filling, login), desk, filling.units[desk.unit].id, settings.office_zone)
        _keep_slots(filling)
        _read_notices(filling)
    finally:
        filling.hub.close()


def found(settings: Settings, rehearsal_url: str) -> None:
    """Only the office itself, without any piece: for drills, which write their own."""
    filling = _begin(settings)
    try:
        _found(filling, rehearsal_url)
    finally:
        filling.hub.close()


def _begin(settings: Settings) -> Filling:
    zone = settings.office_zone
    today = datetime.now(UTC).astimezone(zone).date()
    start = datetime.combine(today - timedelta(days=FIRST_DAYS), time(9, 0), zone).astimezone(UTC)
    clock = StillClock(start)
    return Filling(build(settings, clock), clock)


def _found(filling: Filling, rehearsal_url: str) -> None:
    office = corpus.load_office()
    hashed = passwords.hash_password(PASSWORD)
    with filling.hub.works.write(Actor("demo")) as work:
        for unit in office.units:
            parent = filling.units[unit.parent] if unit.parent else None
            filling.units[unit.key] = add_unit(work.session, unit.name, unit.key, parent)
        for place, row in enumerate(office.people):
            filling.people[row.login] = _person(work, filling, row, number_of(place), hashed)
        for place, column in enumerate(office.columns):
            filling.columns[column.slug] = _column(work, filling, column, place)
        levels = {column.slug: column.levels for column in office.columns}
        set_rule(work, "signing.column_levels", filling.units[office.units[0].key].id, levels)
        for name, value in DESK_RULES.items():
            set_rule(work, name, filling.units[office.units[0].key].id, value)
        for account in office.accounts:
            if account.channel in channels():
                made = _account(work, filling, account, rehearsal_url)
                filling.portal = made if account.channel == "portal" else filling.portal


def _person(work: Work, filling: Filling, row: corpus.PersonRow, phone: str, hashed: str) -> Person:
    person = persons.add_person(work, filling.units[row.unit], row.login, persons.Card(row.name, phone))
    passwords.set_password(work, person, hashed)
    for role in row.roles:
        reach = filling.units[row.reach or row.unit]
        grants.give(work, None, person, grants.read_role(role), reach, below=row.below, ends_at=None)
    return person


def _column(work: Work, filling: Filling, row: corpus.ColumnRow, place: int) -> Column:
    column = Column(
        unit_id=filling.units[row.unit].id,
        slug=row.slug,
        name=row.name,
        kind=row.kind,
        description=f"云江市人民政府门户网站{row.name}栏目",
        keywords=f"云江,{row.name}",
        freshness_days=row.freshness_days,
        position=place,
    )
    work.session.add(column)
    work.session.flush()
    work.audit("column.created", column, slug=column.slug)
    return column


def _account(work: Work, filling: Filling, row: corpus.AccountRow, rehearsal_url: str) -> Account:
    register = {name: str(value) for name, value in asdict(row.register).items()}
    base, settings, credentials = credentials_of(row, rehearsal_url)
    return accounts.add(
        work,
        filling.hub.seal,
        unit_id=filling.units[row.unit].id,
        channel=row.channel,
        name=row.name,
        code=row.key,
        action=channels()[row.channel].limits.default_action,
        base_url=base,
        settings=settings,
        credentials=credentials,
        register={**register, "handle": row.handle, "type": row.type},
    )


# --- pieces -------------------------------------------------------------------------------------------


def _publish_guides(filling: Filling, progress: Progress) -> None:
    rows = corpus.load_guides()
    for row in rows:
        unit = filling.units[row.unit]
        draft = Draft(
            title=row.name, summary=f"{row.name}办理条件、材料、流程、时限与地点。", fields=_guide_fields(row, unit)
        )
        filling.guides[row.key] = _go_the_way(filling, "zhinan", draft, unit, papers=_papers(row))
        filling.clock.step(minutes=5)
    _dispatch(filling)
    progress(f"· 办事指南 {len(rows)} 项")


def _papers(row: corpus.GuideRow) -> list[Attachment]:
    """The forms of a guide's papers, each blank and as an example."""
    found = []
    for material in filter(paper_forms.has_form, row.materials):
        empty, filled = paper_forms.names(material)
        found += [
            attachments.read(empty, paper_forms.blank(row, material)),
            attachments.read(filled, paper_forms.sample(row, material)),
        ]
    return found


def _publish_faqs(filling: Filling, progress: Progress) -> None:
    rows = corpus.load_faqs()
    for row in rows:
        guide = filling.guides.get(row.guide or "")
        fields = {"theme": row.group, "wordings": list(row.wordings), "guide": guide}
        draft = Draft(title=row.question, body=f"<p>{row.answer}</p>", fields=fields)
        _go_the_way(filling, "wenda", draft, filling.units["service_centre"])
        filling.clock.step(minutes=2)
    _dispatch(filling)
    progress(f"· 常见问题 {len(rows)} 条")


def _publish_notices(filling: Filling, progress: Progress) -> None:
    rows = sorted(corpus.load_notices(), key=lambda row: -row.days_ago)
    start = filling.clock.now()
    diary = _diary(filling)
    diary.open(start + timedelta(days=FIRST_DAYS))
    for place, row in enumerate(rows):
        at = start + timedelta(days=FIRST_DAYS - 1 - row.days_ago, minutes=7 * place)
        diary.until(at)
        filling.clock.step(seconds=max(0.0, (at - filling.clock.now()).total_seconds()))
        column = filling.columns[row.column]
        draft = Draft(
            title=row.title,
            summary=row.digest,
            body=row.body,
            source_name="" if row.source == filling.units[row.unit].name else row.source,
            editor=row.author,
            fields=_notice_fields(row, filling, column.kind),
        )
        picture = place + 1 if column.kind == "news" else 0
        filling.notices[row.key] = _go_the_way(filling, row.column, draft, filling.units[row.unit], picture)
        _dispatch(filling)
    diary.until(start + timedelta(days=FIRST_DAYS))
    progress(f"· 要闻、公告、政策与解读 {len(rows)} 篇，会话与工单")


def _diary(filling: Filling) -> Diary:
    unit = filling.units["service_centre"].id
    return Diary(filling.hub, filling.clock, lambda login: _by(filling, login), AGENT, HEAD, RIGHTER, unit)


def _publish_specials(filling: Filling, progress: Progress) -> None:
    """A policy that is no longer in force, a gallery, and a feature that collects what was published."""
    filling.clock.step(minutes=10)
    old = corpus.load_specials()
    with _by(filling, SIGNERS[-1]) as (work, who):
        repealed = work.session.get_one(Piece, filling.notices[old.repealed])
        relations.mark_standing(work, who, repealed, "repealed", old.repealed_note)
        booking.redraw(work, repealed)
    _dispatch(filling)
    gallery = Draft(title=old.gallery.title, summary=old.gallery.summary, body=old.gallery.body)
    _go_the_way(filling, "tuji", gallery, filling.units["media"], 21, shots=old.gallery.shots)
    _dispatch(filling)
    rows = [
        {"section": part.section, "piece": filling.notices.get(part.key) or filling.guides[part.key]}
        for part in old.feature.parts
    ]
    fields = {"standfirst": old.feature.standfirst, "collected": rows}
    feature = Draft(title=old.feature.title, summary=old.feature.summary, fields=fields)
    _go_the_way(filling, "zhuanti", feature, filling.units["yunjiang"], 33)
    _dispatch(filling)
    progress("· 图集、专题、废止文件")


def _picture(filling: Filling, work: Work, who: Viewer, piece: Piece, number: int, alt: str) -> Asset:
    kept = normalise(landscape(number), "配图.jpg")
    return compose.add_picture(work, who, piece, filling.hub.blobs, "配图.jpg", kept, alt=alt)


def _go_the_way(
    filling: Filling,
    slug: str,
    draft: Draft,
    unit: Unit,
    picture: int = 0,
    shots: Sequence[str] = (),
    papers: Sequence[Attachment] = (),
) -> int:
    """Writes, submits, proofreads and signs one piece, each step by its own person, and books it on the portal."""
    with _by(filling, AUTHOR) as (work, who):
        piece = compose.create(work, who, filling.columns[slug], draft=draft, unit_id=unit.id)
        for paper in papers:
            compose.add_attachment(work, who, piece, filling.hub.blobs, paper)
        if picture:
            cover = _picture(filling, work, who, piece, picture, f"云江风光：{draft.title[:20]}")
            body = draft.body
            for number, words in enumerate(shots, start=picture + 1):
                shot = _picture(filling, work, who, piece, number, words)
                body += f'<p><img src="/media/{shot.sha256}.jpg" alt="{words}"></p>'
            compose.save(work, who, piece, replace(draft, cover_id=cover.id, body=body), piece.version)
        submitted = release.submit(
            work,
            who,
            piece,
            [_target(filling)],
            Window(),
            engine=filling.hub.pages,
            portal=filling.hub.settings.address,
            own_hosts=frozenset({"zwfw.yunjiang.example"}),
        )
        piece_id, release_id, levels = piece.id, submitted.id, submitted.levels
    for login in (*SIGNERS[: levels - 1], SIGNERS[-1]):
        with _by(filling, login) as (work, who):
            waiting = work.session.get_one(Release, release_id)
            if login == PROOFREADER:
                for _ in range(waiting.proofs):
                    review.record_proof(work, who, waiting)
            review.sign(work, who, waiting, waiting.hash, "同意")
    with _by(filling, AUTHOR) as (work, who):
        booking.book(work, who, Order([piece_id], _portal(filling).id, "publish"), filling.hub.settings.address)
    return piece_id


def _keep_slots(filling: Filling) -> None:
    with filling.hub.works.read() as work:
        query = select(Account.code, Account.id).where(Account.stands_for.is_(None))
        accounts = {row[0]: row[1] for row in work.session.execute(query)}
    timetable.keep(lambda login: _by(filling, login), AUTHOR, filling.units["yunjiang"].id, accounts)


def _owe(filling: Filling, rehearsal_url: str) -> None:
    with filling.hub.works.read() as work:
        query = select(Account.id).where(Account.code.in_(("portal", "wechat_news", "weibo")))
        carriers = work.session.scalars(query).all()
    unit, column = filling.units["yunjiang"].id, filling.columns["yaowen"].id
    owe(lambda login: _by(filling, login), AUTHOR, unit, column, carriers, rehearsal_url)
    recent = datetime.now(UTC) - HEARD_BEFORE - filling.clock.now()
    filling.clock.step(seconds=max(0.0, recent.total_seconds()))
    hear(lambda login: _by(filling, login), AUTHOR, SIGNERS[-1], unit)


def _read_notices(filling: Filling) -> None:
    """What was told along the way is long done; a newcomer's workbench starts empty."""
    with filling.hub.works.write(Actor("demo")) as work:
        work.session.execute(update(Notice).values(read_at=work.now))


def _dispatch(filling: Filling) -> None:
    hub = filling.hub
    Dispatcher(hub.works, hub.seal, hub.make_adapter, hub.settings.address).run_lane(_portal(filling).id)
    with hub.works.read() as work:
        stuck = work.session.scalars(select(Delivery).where(Delivery.state != DeliveryState.DONE)).first()
    if stuck is not None:
        raise CannotRun(why=f"The demo office could not be filled: {stuck.reason}")


@contextmanager
def _by(filling: Filling, login: str) -> Iterator[tuple[Work, Viewer]]:
    """A work by one person, with what he may do."""
    person = filling.people[login]
    with filling.hub.works.write(Actor(person.name, person.id, person.unit_id)) as work:
        yield work, viewer(work.session, person, work.now)


def _portal(filling: Filling) -> Account:
    if filling.portal is None:
        raise LookupError("the demo office has no portal")
    return filling.portal


def _target(filling: Filling) -> Target:
    portal = _portal(filling)
    return Target(portal.id, portal.name, portal.channel, style_of(portal.channel), "publish")


def _material(material: corpus.Material) -> Mapping[str, Any]:
    empty, filled = paper_forms.names(material) if paper_forms.has_form(material) else ("", "")
    return {**asdict(material), "blank": empty, "sample": filled}


def _guide_fields(row: corpus.GuideRow, unit: Unit) -> Mapping[str, Any]:
    return {
        "catalog_code": row.catalog_code,
        "task_code": row.task_code,
        "item_type": row.item_type,
        "responsible": unit.name,
        "responsible_kind": "法定机关",
        "level": "市级",
        "review_type": row.review_type,
        "audience": list(row.audience),
        "theme": row.theme,
        "personal_theme": row.personal_theme,
        "legal_theme": row.legal_theme,
        "basis": list(row.basis),
        "conditions": list(row.conditions),
        "materials": [_material(material) for material in row.materials],
        "steps": [asdict(step) for step in row.steps],
        "case_type": row.case_type,
        "statutory": row.statutory.days,
        "statutory_unit": LIMIT_UNITS[row.statutory.unit],
        "promised": row.promised.days,
        "promised_unit": LIMIT_UNITS[row.promised.unit],
        "visits": row.visits,
        "visits_reason": row.visits_reason,
        "online": row.online.available,
        "online_depth": row.online.depth,
        "online_address": row.online.address,
        "mail": row.mail,
        "charged": row.fee.charged,
        "fee_item": row.fee.item,
        "fee_amount": row.fee.amount,
        "fee_basis": row.fee.basis,
        "pay_online": row.fee.pay_online,
        "place": row.place,
        "places": [asdict(one) for one in row.places],
        "hours": row.hours,
        "phone": row.phone,
        "supervision_phone": row.supervision_phone,
        "result_type": row.result.type,
        "result_name": row.result.name,
        "result_sample": row.result.sample,
    }


def _notice_fields(row: corpus.NoticeRow, filling: Filling, kind: str) -> Mapping[str, Any]:
    day = (filling.clock.now() - timedelta(days=1)).date().isoformat()
    if kind == "policy":
        signed = row.issued_on or day
        return {
            "index_number": f"999900/{signed[:4]}-{row.days_ago:05d}",
            "document_number": row.document_no or "",
            "issuer": row.author,
            "issued_on": signed,
            "validity": "in_force",
        }
    if kind == "interpretation":
        policy = next((filling.notices[key] for key in row.related if key in filling.notices), None)
        return {"policy": policy, "policy_number": row.document_no or "", "interpreter": row.author}
    return {"document_number": row.document_no or "", "issued_on": day} if kind == "notice" else {}
