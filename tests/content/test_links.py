"""Links in pieces: which are found, whose answer still holds, and what is told when one dies on a public page."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from content import links, public
from content.events import LinksDied
from content.links import Answer
from content.models import LinkCheck, LinkPlace, PublicPiece, Release, Revision
from kernel.clock import StillClock
from tests.factories import Office

OLD = "https://old.yunzhou.gov.cn/a"
BODY = f'<p>请见<a href="{OLD}#part">旧文</a>与<a href="/notices/1.html">本站</a>，另有说明。</p>'


def live(office: Office, body: str = BODY) -> Release:
    release = office.signed_release(body=body)
    with office.works.write() as work:
        public.reserve_place(work, release.id)
        public.went_live(work, release.id, work.now)
    return release


def placed(office: Office) -> list[str]:
    with office.works.write() as work:
        links.place_new(work, 10)
    with office.works.read() as work:
        return list(work.session.scalars(select(LinkPlace.address)))


def due(office: Office) -> list[str]:
    with office.works.read() as work:
        return links.due(work.session, work.now, 10)


def answer(office: Office, state: links.State, address: str = OLD) -> None:
    with office.works.write() as work:
        links.record(work, [Answer(address, state, "对方返回 404" if state == "dead" else "")])


def test_addresses_in_markup_and_in_fields() -> None:
    html = (
        '<a href="HTTPS://a.yunzhou.gov.cn/x#top">一</a><a href="mailto:x@y">二</a><a href="//c.yunzhou.gov.cn/">三</a>'
    )
    found = links.outside([html, html], "网上办理：https://b.gov.cn/办理?x=1，电话 12345（http://d.gov.cn）")
    assert found == ["HTTPS://a.yunzhou.gov.cn/x", "https://b.gov.cn/办理?x=1", "http://d.gov.cn"]


def test_names_for_examples_are_not_asked() -> None:
    assert links.outside(['<a href="https://zwfw.yunjiang.example/x">办</a><a href="http://[broken/a">坏</a>']) == []


def test_an_endless_address_is_left_out() -> None:
    assert links.outside([f'<a href="https://a.yunzhou.gov.cn/{"x" * 3000}">长</a>']) == []


def test_an_answer_holds_for_a_day_and_a_dead_one_for_minutes(both: Office, clock: StillClock) -> None:
    with both.works.read() as work:
        assert links.to_ask(work.session, [OLD], work.now) == [OLD]
    answer(both, "alive")
    for state, minutes, asked in (("alive", 0, []), ("dead", 0, []), ("dead", 11, [OLD]), ("alive", 11, [])):
        answer(both, state)
        clock.step(minutes=minutes)
        with both.works.read() as work:
            assert links.to_ask(work.session, [OLD], work.now) == asked


def test_public_pages_are_watched_and_withdrawn_ones_forgotten(both: Office, clock: StillClock) -> None:
    release = live(both)
    assert placed(both) == [OLD]
    assert due(both) == [OLD]
    answer(both, "alive")
    assert due(both) == []
    clock.step(hours=25)
    assert due(both) == [OLD]
    with both.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "已撤回")
    assert placed(both) == []
    assert due(both) == []


def test_what_is_corrected_is_noted_anew(office: Office) -> None:
    release = live(office)
    placed(office)
    with office.works.write() as work:
        row = work.session.get_one(PublicPiece, release.piece_id)
        revision = work.session.get_one(Revision, row.revision_id)
        revision.body = BODY.replace("old", "new")
        row.links_of = None
    assert placed(office) == ["https://new.yunzhou.gov.cn/a"]


def test_a_link_that_dies_is_told_once(office: Office) -> None:
    told: list[LinksDied] = []
    office.works.listeners.in_work(LinksDied, lambda _work, fact: told.append(fact))
    unit_id = live(office).unit_id
    placed(office)
    for state in ("alive", "dead", "dead"):
        answer(office, state)
    assert told == [LinksDied(unit_id, 1, OLD)]
    with office.works.read() as work:
        since = work.session.scalars(select(LinkCheck.dead_since)).one()
    assert since is not None
    answer(office, "alive")
    with office.works.read() as work:
        assert work.session.scalars(select(LinkCheck.dead_since)).one() is None


def test_our_own_page_that_was_taken_down_is_dead(office: Office, clock: StillClock) -> None:
    gone = live(office, body="<p>这一篇后来被撤下，请勿引用其中的内容。</p>")
    with office.works.write() as work:
        path = work.session.get_one(PublicPiece, gone.piece_id).path
        public.withdrawn(work, gone.piece_id, work.now - timedelta(minutes=1), "已撤回")
    piece = office.piece(body=f'<p><a href="{path}">旧</a><a href="https://own.yunzhou.gov.cn{path}">旧</a></p>')
    with office.works.read() as work:
        revision = work.session.get_one(Revision, piece.revision_id)
        found = links.bad(work.session, revision, {"own.yunzhou.gov.cn"})
    assert {address: one.state for address, one in found.items()} == {
        path: "dead",
        f"https://own.yunzhou.gov.cn{path}": "dead",
    }
