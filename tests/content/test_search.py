"""Search over public pieces: what is found, in which order, and what never is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import public, search
from content.models import Release
from content.search import Searcher, side_by_side
from content.search_grams import grams, query_grams
from content.search_index import Hit, Index
from content.search_misses import SearchMiss, record_miss
from content.search_passages import excerpt
from kernel.clock import StillClock
from tests.factories import Office

DOCUMENTS = {
    1: ("notice", "关于调整市区供热结束时间的通知", "因近期气温偏低，市区供热结束时间延长至4月7日。"),
    2: ("guide", "居住证申领", "申领居住证需要身份证和居住满六个月的证明，到公安派出所办理。"),
    3: ("policy", "云州市养犬管理办法", "养犬人应当办理养犬登记，遛犬须牵绳。云政发〔2026〕3号"),
    4: ("notice", "关于夜间停水的通知", "因管网检修，城东片区夜间停水。咨询电话12345。"),
    5: ("news", "我市召开供热工作会议", "会议要求做好今冬明春供热保障工作。"),
}


@pytest.fixture
def index() -> Index:
    """Five ordinary documents."""
    index = Index()
    for key, (kind, title, body) in DOCUMENTS.items():
        index.add(key, kind, title, "", body)
    return index


def found(index: Index, query: str, **more: float) -> list[int]:
    return [hit.key for hit in index.find(query, **more)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("供热", 5),
        ("供热结束时间", 1),
        ("居住证", 2),
        ("居住证怎么办理", 2),
        ("请问在哪里可以申领居住证？", 2),
        ("养犬", 3),
        ("云政发〔2026〕3号", 3),
        ("停水的通知", 4),
        ("１２３４５", 4),
        ("犬", 3),
    ],
)
def test_the_best_comes_first(index: Index, query: str, first: int) -> None:
    assert found(index, query)[0] == first


@pytest.mark.parametrize("query", ["", "   ", "，。！？", "火星移民", "abc", "<script>", "\x00", "💧", "%%__"])
def test_what_is_nowhere_is_not_found(index: Index, query: str) -> None:
    assert found(index, query) == []


def test_a_title_counts_more_than_the_text(index: Index) -> None:
    index.add(6, "news", "我市一周要闻", "", "供热结束时间的通知已发布，供热结束时间见通知。")
    assert found(index, "供热结束时间")[:2] == [1, 6]


def test_what_shares_one_pair_is_no_answer_but_a_guess(index: Index) -> None:
    assert 4 not in found(index, "夜间照明设施维护管理")
    assert 4 in found(index, "夜间照明", share=0.2)


def test_other_words_than_the_text_has_rank_it_but_do_not_find_it(index: Index) -> None:
    assert found(index, "狗要拴绳不") == []
    assert found(index, "狗要拴绳不", share=0.0)[0] == 3


def test_a_query_is_read_in_the_words_of_the_office_too() -> None:
    index = Index(lambda word: word.replace("暖气", "供热"))
    for key, (kind, title, body) in DOCUMENTS.items():
        index.add(key, kind, title, "", body)
    assert found(index, "暖气结束时间")[0] == 1
    assert found(index, "停水的通知")[0] == 4


def test_a_text_that_is_replaced_or_taken_out_is_not_found_again(index: Index) -> None:
    index.add(2, "guide", "老年证申领", "", "年满六十周岁。")
    assert found(index, "居住证") == []
    assert found(index, "老年证") == [2]
    index.remove(2)
    assert found(index, "老年证") == []
    assert len(index) == 4


def test_an_index_that_is_worn_says_so() -> None:
    index = Index()
    for round_ in range(2):
        for key in range(80):
            index.add(key, "news", f"第{round_}轮", "", "")
    assert index.worn


def test_grams() -> None:
    assert list(grams("拨打12345热线 ABC，水")) == ["拨打", "12345", "热线", "abc", "水"]
    assert list(query_grams("怎么办理居住证")) == ["办理", "理居", "居住", "住证"]
    assert list(query_grams("怎么样")) == ["怎么", "么样"]


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_query_breaks_it(query: str) -> None:
    index = Index()
    for key, (kind, title, body) in DOCUMENTS.items():
        index.add(key, kind, title, "", body)
    index.find(query)
    marked = excerpt("市区供热<b>延长</b>至4月7日 & " * 9, query)
    assert "<b>" not in marked
    assert marked.count("<mark>") == marked.count("</mark>")


def test_an_excerpt_shows_the_place_and_marks_it() -> None:
    text = "前文。" * 60 + "市区供热结束时间延长。" + "后文。" * 60
    shown = excerpt(text, "供热 结束时间")
    assert "市区<mark>供热结束时间</mark>延长" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 160
    assert excerpt("<b>&", "无关") == "&lt;b&gt;&amp;"


def test_an_excerpt_begins_with_its_sentence_and_points_by_characters_too() -> None:
    text = "第一条为了规范。" * 20 + "养犬人携犬外出应当牵绳。" + "附则。" * 40
    assert excerpt(text, "狗要拴绳不").startswith("…养犬人携犬外出应当牵绳")


def test_an_excerpt_of_a_word_longer_than_itself_and_of_one_that_never_ends() -> None:
    assert excerpt("见 " + "a" * 91, "a" * 91).startswith("见 <mark>aaa")
    assert "<mark>" in excerpt("无" * 300 + "水费" * 60, "水费", 60)


# --- with the database -----------------------------------------------------------------------------------------


def publish(office: Office, **words: object) -> Release:
    release = office.signed_release(**words)  # type: ignore[arg-type]  # The words of a draft.
    with office.works.write() as work:
        public.reserve_place(work, release.id)
        public.went_live(work, release.id, work.now)
    return release


def titles(office: Office, searcher: Searcher, query: str, **more: object) -> list[str]:
    with office.works.read() as work:
        return [row.title for row in searcher.search(work.session, work.now, query, **more).rows]  # type: ignore[arg-type]


def test_only_what_is_public_is_found(both: Office, clock: StillClock) -> None:
    searcher = Searcher()
    both.signed_release(title="供热未发布")
    assert titles(both, searcher, "供热") == []
    publish(both, title="供热已发布", expires_at=clock.now() + timedelta(days=1))
    assert titles(both, searcher, "供热") == []
    searcher.stale()
    assert titles(both, searcher, "供热") == ["供热已发布"]
    clock.step(days=2)
    assert titles(both, searcher, "供热") == []


def test_what_was_withdrawn_is_found_no_more_even_before_the_index_follows(both: Office) -> None:
    searcher = Searcher(pause=timedelta(hours=1))
    release = publish(both, title="供热通知")
    assert titles(both, searcher, "供热") == ["供热通知"]
    with both.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "内容有误")
    assert titles(both, searcher, "供热") == []


def test_a_correction_is_what_is_found(office: Office) -> None:
    searcher = Searcher()
    release = publish(office, title="供热延长至四月")
    office.save(release.piece_id, title="供热延长至五月")
    second = office.sign_off(office.submit(release.piece_id).id)
    searcher.stale()
    assert titles(office, searcher, "供热延长") == ["供热延长至四月"]
    with office.works.write() as work:
        public.went_live(work, second.id, work.now)
    searcher.stale()
    assert titles(office, searcher, "五月") == ["供热延长至五月"]
    assert titles(office, searcher, "四月") == []


def test_answers_are_counted_by_kind_and_paged(office: Office) -> None:
    for n in range(3):
        publish(office, title=f"供热通知之{n}")
    publish(office, title="供热新闻", column="news")
    searcher = Searcher()
    with office.works.read() as work:
        answer = searcher.search(work.session, work.now, "供热", page=2, size=3)
        notices = searcher.search(work.session, work.now, "供热", kind="notice", size=2)
        nothing = searcher.search(work.session, work.now, "供热设备采购招标")
    assert (answer.total, len(answer.rows)) == (4, 1)
    assert dict(answer.kinds) == {"notice": 3, "news": 1}
    assert (notices.total, len(notices.rows), notices.kinds) == (3, 2, answer.kinds)
    assert (nothing.total, nothing.kinds) == (0, [])
    assert {row.title for row in nothing.guesses} <= {"供热新闻", *(f"供热通知之{n}" for n in range(3))}


def test_many_threads_search_at_once(office: Office) -> None:
    publish(office, title="供热通知")
    searcher = Searcher(pause=timedelta(0))
    assert titles(office, searcher, "供热") == ["供热通知"]
    answers: list[list[str]] = []
    threads = [threading.Thread(target=lambda: answers.append(titles(office, searcher, "供热"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["供热通知"]] * 12


def test_nobody_waits_while_another_brings_the_index_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(office, title="供热通知")
    searcher = Searcher()
    meanwhile = []

    def slowly(session: Session, piece_ids: Sequence[int]) -> list[object]:
        with office.works.read() as work:
            meanwhile.append(searcher.search(work.session, work.now, "供热"))
        return list(texts(session, piece_ids))

    texts = search._texts
    monkeypatch.setattr(search, "_texts", slowly)
    assert titles(office, searcher, "供热") == ["供热通知"]
    assert [(answer.total, answer.whole) for answer in meanwhile] == [(0, False)]


def test_a_miss_is_kept_without_numbers_of_people(both: Office) -> None:
    for query in ("火星移民", "13800138000 的投诉", "11010519491231002X", "\x00 ", "长" * 300):
        with both.works.write() as work:
            record_miss(work, query)
    with both.works.read() as work:
        kept = work.session.scalars(select(SearchMiss.query).order_by(SearchMiss.id)).all()
    assert kept == ["火星移民", "*** 的投诉", "***", "长" * 100]


def test_a_document_stands_before_pages_that_hold_less_of_the_query_and_whatever_its_own_index_makes_of_it() -> None:
    def hits(kind: str, *found: tuple[float, float]) -> list[Hit]:
        return [Hit(number, kind, score, share) for number, (score, share) in enumerate(found)]

    pages = hits("guide", (9, 0.8), (5, 1.0), (3, 0.5), (2, 0.9))
    files = hits("file", (90, 0.8), (80, 1.0), (70, 0.2))
    answers = hits("answer", (4, 0.8))
    order = [(hit.kind, hit.key) for hit in side_by_side([pages, files, answers])]
    assert order == [
        ("file", 1), ("guide", 0), ("guide", 1), ("file", 0), ("answer", 0), ("guide", 2), ("guide", 3), ("file", 2),
    ]  # fmt: skip
    assert side_by_side([[], files]) == files
