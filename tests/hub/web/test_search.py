"""全站搜索 over HTTP: whoever asks, however he asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from bot import publishing, tickets
from bot.knowledge import Source
from bot.models import PublicAnswer, Ticket
from content import compose, public
from content.models import Asset, Release
from content.search_misses import SearchMiss
from hub.web.app import create_app
from kernel.clock import StillClock
from scheduler.models import Placement
from tests.hub.office import Browser
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub with two pieces that the public sees."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        publish(room, title="关于调整市区供热结束时间的通知", source_name="市住建局")
        fields = {
            "index_number": "1", "document_number": "云政发〔2020〕1号", "issuer": "市政府", "issued_on": "2020-01-01",
            "validity": "repealed", "validity_note": "被云政发〔2026〕3号废止",
        }  # fmt: skip
        publish(room, title="云州市供热管理办法", column="policies", fields=fields, body="<p>供热&lt;条例&gt;</p>")
        yield room


def publish(room: Newsroom, column: str = "notices", **words: object) -> None:
    release = room.office.signed_release(column=column, **words)  # type: ignore[arg-type]  # The words of a draft.
    room.go_live(release)


def misses(room: Newsroom) -> list[str]:
    with room.hub.works.read() as work:
        return list(work.session.scalars(select(SearchMiss.query).order_by(SearchMiss.id)))


def test_answers_are_marked_and_grouped(room: Newsroom) -> None:
    html = room.browser().get("/search", params={"q": "供热"}).text
    assert "找到 2 条" in html
    assert "<mark>供热</mark>" in html
    assert "&lt;条例&gt;" in html
    assert '<span class="mark mark--good">通知公告</span>' in html
    assert "已废止" in html
    assert "云政发〔2020〕1号" in html
    assert "市住建局" in html
    assert 'href="/search?q=%E4%BE%9B%E7%83%AD&amp;kind=policy"' in html
    assert misses(room) == []


def test_one_kind_is_shown_alone(room: Newsroom) -> None:
    html = room.browser().get("/search", params={"q": "供热", "kind": "policy"}).text
    assert "找到 1 条" in html
    assert "结束时间" not in html


def test_what_is_not_found_is_kept_and_said(room: Newsroom) -> None:
    html = room.browser().get("/search", params={"q": " 火星  移民 "}).text
    assert "没有找到与“火星 移民”有关的内容" in html
    assert misses(room) == ["火星 移民"]


def test_an_empty_search_asks_for_words(room: Newsroom) -> None:
    for address in ("/search", "/search?q=", "/search?q=%20"):
        answer = room.browser().get(address)
        assert answer.status_code == 200
        assert "请输入要找的内容" in answer.text
    assert misses(room) == []


@pytest.mark.parametrize(
    "query", ["<script>alert(1)</script>", "' OR 1=1 --", "%", "\x01\x02", "供" * 2000, "💧" * 90, "{{7*7}}", "\ud800"]
)
def test_hostile_words_are_only_words(room: Newsroom, query: str) -> None:
    answer = room.browser().get(f"/search?q={quote(query.encode('utf-8', 'surrogatepass'))}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "49" not in answer.text.partition("<title>")[2].partition("</title>")[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "9999999999999", "2", "²"])
def test_a_page_that_is_none_is_a_page(room: Newsroom, page: str) -> None:
    assert room.browser().get("/search", params={"q": "供热", "page": page}).status_code == 200


def test_it_belongs_to_the_public_face_only(room: Newsroom) -> None:
    public_face = Browser(create_app(room.hub, "public"))
    console = Browser(create_app(room.hub, "console"))
    assert public_face.get("/search?q=供热").status_code == 200
    assert console.get("/search?q=供热").status_code == 404


def test_nobody_searches_faster_than_he_reads_and_misses_stop_before(room: Newsroom) -> None:
    browser = room.browser()
    codes = [browser.get("/search", params={"q": f"火星{n}"}).status_code for n in range(62)]
    assert codes == [200] * 60 + [429] * 2
    assert len(misses(room)) == 10


def test_an_answer_is_narrowed_by_column_department_and_time(room: Newsroom, clock: StillClock) -> None:
    column = room.office.columns["policies"].id
    clock.step(days=40)
    publish(room, title="供热价格调整的通知")
    browser = room.browser()
    html = browser.get("/search", params={"q": "供热"}).text
    assert f'<option value="{column}">政策文件（1）</option>' in html
    assert 'name="unit"' not in html  # All of one department: nothing to choose.
    html = browser.get("/search", params={"q": "供热", "column": str(column)}).text
    assert "找到 1 条" in html
    assert "供热管理办法" in html
    assert f'<option value="{column}" selected>' in html
    assert f"&amp;column={column}" in html  # The kinds keep what was chosen.
    html = browser.get("/search", params={"q": "供热", "time": "month"}).text
    assert "找到 1 条" in html
    assert "供热价格调整" in html


def test_a_narrowing_without_answers_says_so_and_is_no_miss(room: Newsroom) -> None:
    column = room.office.columns["guides"].id
    html = room.browser().get("/search", params={"q": "供热", "column": str(column)}).text
    assert "这样筛选没有结果" in html
    assert "查看全部结果" in html
    assert misses(room) == []


@pytest.mark.parametrize("value", ["x", "-1", "9" * 40, "²", "<b>", "1 OR 1=1"])
def test_a_filter_that_is_none_filters_nothing(room: Newsroom, value: str) -> None:
    answer = room.browser().get("/search", params={"q": "供热", "column": value, "unit": value, "time": value})
    assert answer.status_code == 200
    assert "找到 2 条" in answer.text


# --- what stands beside the pieces -----------------------------------------------------------------------------


def with_document(room: Newsroom, text: str = "补贴金额为每户三百元", name: str = "补贴名单.txt") -> Release:
    piece = room.office.piece(title="关于发放取暖费的公告", body="<p>名单见附件。</p>")
    room.office.attachment(piece.id, name=name, data=text.encode())
    release = room.office.sign_off(room.office.submit(piece.id).id)
    room.go_live(release)
    return release


def published(room: Newsroom, question: str = "路灯坏了谁来修", answer: str = "请拨打城管热线，当日修复。") -> int:
    with room.hub.works.write() as work:
        unit = room.office.bureau.id
        ticket = tickets.make(work, unit_id=unit, kind="咨询", text=question, zone=room.hub.settings.office_zone)
        ticket.state, ticket.answer, ticket.answered_at = "answered", answer, work.now
        return publishing.publish(work, ticket, question, answer).id


def found(room: Newsroom, query: str, **more: str) -> str:
    return room.browser().get("/search", params={"q": query, **more}).text


def test_a_document_is_found_by_its_text_and_leads_to_its_page(room: Newsroom) -> None:
    release = with_document(room)
    html = found(room, "补贴金额")
    assert '<span class="mark mark--good">附件</span>' in html
    assert f'href="{release.content["attachments"][0]["href"]}"' in html.replace("%2F", "/")
    assert f'<a href="{release.content["path"]}">附于：关于发放取暖费的公告</a>' in html
    assert "<mark>补贴金额</mark>为每户三百元" in html
    assert "找到 1 条" in found(room, "补贴名单", kind="file")
    assert misses(room) == []


def test_a_document_is_narrowed_like_its_page(room: Newsroom) -> None:
    with_document(room)
    assert "补贴名单.txt" in found(room, "补贴金额", column=str(room.office.columns["notices"].id))
    assert "补贴名单.txt" not in found(room, "补贴金额", column=str(room.office.columns["guides"].id))
    assert "补贴名单.txt" not in found(room, "补贴金额", kind="notice")


def test_a_document_of_what_is_not_public_is_not_found(room: Newsroom) -> None:
    piece = room.office.piece(title="关于发放取暖费的公告")
    room.office.attachment(piece.id, name="补贴名单.txt", data="补贴金额".encode())
    room.office.sign_off(room.office.submit(piece.id).id)
    assert "补贴名单.txt" not in found(room, "补贴金额")


def test_a_document_added_after_signing_is_not_found_before_it_is_signed(room: Newsroom) -> None:
    release = with_document(room)
    room.office.attachment(release.piece_id, name="未签发名单.txt", data="内部补贴金额".encode())
    assert "未签发名单" not in found(room, "补贴金额")


def test_a_document_is_withdrawn_with_its_page_even_before_the_index_follows(room: Newsroom) -> None:
    release = with_document(room)
    assert "补贴名单.txt" in found(room, "补贴金额")
    with room.hub.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "内容有误")
    assert "补贴名单.txt" not in found(room, "补贴金额")


def test_a_correction_takes_the_old_document_out(room: Newsroom) -> None:
    release = with_document(room)
    assert "补贴名单.txt" in found(room, "补贴金额")
    with room.office.working("author") as (work, who):
        old = work.session.scalars(select(Asset).where(Asset.piece_id == release.piece_id)).one()
        compose.remove_asset(work, who, old)
    room.office.attachment(release.piece_id, name="新名单.txt", data="补贴金额为每户五百元".encode())
    second = room.office.sign_off(room.office.submit(release.piece_id).id)
    with room.hub.works.write() as work:
        public.went_live(work, second.id, work.now)
    room.hub.stale()
    html = found(room, "补贴金额")
    assert "新名单.txt" in html
    assert "补贴名单.txt" not in html
    assert "五百" in html


def test_a_published_answer_is_found_until_it_is_taken_back(room: Newsroom) -> None:
    number = published(room)
    html = found(room, "路灯")
    assert '<span class="mark mark--good">留言公开</span>' in html
    assert f'<a href="/feedback/answers/{number}">' in html
    page = room.browser().get(f"/feedback/answers/{number}")
    assert page.status_code == 200
    assert "当日修复" in page.text
    with room.hub.works.write() as work:
        row = work.session.get_one(PublicAnswer, number)
        publishing.hide(work, work.session.get_one(Ticket, row.ticket_id))
    assert "/feedback/answers/" + str(number) not in found(room, "路灯")
    assert room.browser().get(f"/feedback/answers/{number}").status_code == 404


@pytest.mark.parametrize("number", ["0", "999999", "x", "-1", "9" * 30])
def test_an_answer_that_is_none_is_no_page(room: Newsroom, number: str) -> None:
    assert room.browser().get(f"/feedback/answers/{number}").status_code in (404, 422)


def test_what_stands_beside_is_grouped_and_counted(room: Newsroom) -> None:
    with_document(room, text="供热补贴名单")
    published(room, question="供热何时结束", answer="四月七日。")
    html = found(room, "供热")
    assert "找到 4 条" in html
    for kind in ("notice", "policy", "file", "answer"):
        assert f"kind={kind}" in html
    alone = found(room, "供热", kind="answer")
    assert "找到 1 条" in alone
    assert "供热何时结束" in alone


def test_answers_are_of_no_column(room: Newsroom) -> None:
    published(room, question="供热何时结束", answer="四月七日。")
    assert "供热何时结束" not in found(room, "供热", column=str(room.office.columns["notices"].id))


def test_the_bot_names_only_pages_that_stand(room: Newsroom) -> None:
    ours = room.office.signed_release(title="供热结束时间")
    room.go_live(ours)
    social = room.office.signed_release("wechat", title="仅发微信")
    room.go_live(social, on="wechat", url="https://mp.example/1")
    sources = [Source(one.piece_id, 1, one.content["title"], one.content["path"]) for one in (social, ours)]
    address = room.hub.settings.address

    def named() -> list[tuple[str, str]]:
        words = room.hub.incoming.words
        with room.hub.works.read() as work:
            return words.links(words.placed(work.session, sources))

    assert named() == [("供热结束时间", f"{address}{ours.content['path']}")]
    with room.hub.works.write() as work:
        place = work.session.scalars(select(Placement).where(Placement.piece_id == ours.piece_id)).one()
        place.state = "withdrawn"
    assert named() == []
