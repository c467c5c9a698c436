"""The app's API: only what the public may see, 410 with the public phrase, tags, limits, and one chat per device."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts.models import Account
from content import public, relations
from content.models import Piece, Release
from content.search_misses import SearchMiss
from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom

API = "/api/app/v1"
DEVICE = "d" * 40
POLICY = {
    "index_number": "1", "document_number": "云政发〔2026〕1号", "issuer": "市政府", "issued_on": "2026-01-01",
    "validity": "in_force",
}  # fmt: skip

GUIDE = {
    "responsible": "云州市公安局", "basis": ["《居民身份证法》"], "conditions": ["本市户籍"],
    "steps": [{"name": "受理"}], "case_type": "即办件",
    "statutory": 0, "promised": 0, "visits": 0, "mail": True, "place": "江滨路66号",
    "hours": "工作日", "phone": "0530-8811001", "supervision_phone": "0530-12345",
}  # fmt: skip


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """A running hub."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        yield room


def publish(room: Newsroom, column: str = "notices", **words: Any) -> Release:
    release = room.office.signed_release(column=column, **words)
    room.go_live(release)
    return release


def misses(room: Newsroom) -> list[str]:
    """What was searched for in vain, as the editors will see it."""
    with room.office.works.read() as work:
        return list(work.session.scalars(select(SearchMiss.query)))


def get(room: Newsroom, path: str, **more: Any) -> Any:
    return room.browser().get(f"{API}{path}", **more)


def test_pieces_are_listed_by_column_and_kind_and_page(room: Newsroom, clock: StillClock) -> None:
    for number in range(3):
        publish(room, title=f"第{number}号通知")
        clock.step(minutes=1)
    hidden = room.office.signed_release(title="还没有发布的通知")
    listed = get(room, "/pieces?column=notices&size=2").json()
    assert (listed["total"], [one["title"] for one in listed["pieces"]]) == (3, ["第2号通知", "第1号通知"])
    assert [one["title"] for one in get(room, "/pieces?size=2&page=2&kind=notice").json()["pieces"]] == ["第0号通知"]
    assert get(room, "/pieces?kind=guide").json()["total"] == 0
    assert get(room, "/pieces?column=no-such").status_code == 404
    assert get(room, f"/pieces/{hidden.piece_id}").status_code == 404
    assert next(one for one in get(room, "/columns").json()["columns"] if one["slug"] == "notices")["pieces"] == 3


def test_a_piece_is_shown_in_its_signed_words_with_whole_addresses(room: Newsroom) -> None:
    release = publish(room, title="供热通知", body='<p>延长至4月7日，详见<a href="/notices/">通知</a>。</p>')
    shown = get(room, f"/pieces/{release.piece_id}").json()
    assert (shown["title"], shown["kind_name"], shown["column"]) == ("供热通知", "通知公告", "notices")
    assert f'href="{room.hub.settings.address}/notices/"' in shown["body_html"]
    assert shown["url"].endswith(release.content["path"])


def test_a_film_in_a_text_keeps_its_first_picture_and_an_address_outside_stays(room: Newsroom) -> None:
    words = '<p>供热检修已经完成，检修的经过见下面的片子，全文见<a href="//www.gov.cn/a">国务院的通知</a>。</p>'
    film = '<video src="/files/a.mp4" poster="/media/b.png" controls></video>'
    shown = get(room, f"/pieces/{publish(room, body=words + film).piece_id}").json()["body_html"]
    address = room.hub.settings.address
    assert f'src="{address}/files/a.mp4" poster="{address}/media/b.png"' in shown
    assert f"{address}//" not in shown


def test_a_films_captions_are_listed_with_it(room: Newsroom) -> None:
    piece = room.office.piece(kind="video", fields={"transcript": "检修。"})
    for name, data in (("片.mp4", b"film"), ("片.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nok\n")):
        room.office.attachment(piece.id, name=name, data=data)
    room.go_live(room.office.sign_off(room.office.submit(piece.id).id))
    files = get(room, f"/pieces/{piece.id}").json()["attachments"]
    assert [one["name"] for one in files] == ["片.mp4", "片.vtt"]
    assert files[1]["url"].startswith(f"{room.hub.settings.address}/files/")


def test_a_piece_without_a_page_has_no_address_and_one_on_another_platform_has_that(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        site = Account(
            unit_id=room.office.bureau.id, channel="site_push", name="集约化平台", code="s", action="publish"
        )
        work.session.add(site)
        work.session.flush()
        room.office.accounts["site"] = site
    message, elsewhere = (room.office.signed_release(name, title=f"{name}通知") for name in ("weibo", "site"))
    room.go_live(message, on="weibo", url="https://weibo.com/1/2")
    room.go_live(elsewhere, on="site", url="https://www.jiyue.example/77.html")
    told = {one["id"]: one["url"] for one in get(room, "/pieces").json()["pieces"]}
    assert told == {message.piece_id: "", elsewhere.piece_id: "https://www.jiyue.example/77.html"}
    page = room.browser().get("/search", params={"q": "通知"}).text
    assert "找到 1 条" in page
    assert '<a href="https://www.jiyue.example/77.html">' in page
    assert message.content["path"] not in page


def test_what_was_withdrawn_or_expired_is_gone_with_the_public_phrase(room: Newsroom, clock: StillClock) -> None:
    taken = publish(room, title="有误的通知")
    ending = publish(room, title="临时通知", expires_at=clock.now() + timedelta(hours=1))
    with room.hub.works.write() as work:
        public.withdrawn(work, taken.piece_id, work.now, "该内容已撤下。")
    answer = get(room, f"/pieces/{taken.piece_id}")
    assert (answer.status_code, answer.json()["message"]) == (410, "该内容已撤下。")
    assert "有误" not in answer.text
    assert get(room, f"/pieces/{ending.piece_id}").status_code == 200
    clock.step(hours=1)
    assert get(room, f"/pieces/{ending.piece_id}").json()["message"] == "该内容已过有效期，现予撤下。"
    assert get(room, "/pieces").json()["total"] == 0
    assert get(room, "/search?q=通知").json()["total"] == 0


def test_a_repealed_policy_is_said_to_be_in_force_nowhere(room: Newsroom) -> None:
    release = publish(room, "policies", title="养犬管理办法", fields=POLICY)
    path = f"/pieces/{release.piece_id}"
    before = get(room, path)
    assert (before.json()["standing"], before.json()["fields"]["validity"]["value"]) == ("", "in_force")
    with room.office.working("signer") as (work, who):
        piece = work.session.get_one(Piece, release.piece_id)
        relations.mark_standing(work, who, piece, "repealed", "由云政发〔2026〕9号废止")
    after = get(room, path, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    told, (listed,), (found,) = (
        after.json(), get(room, "/pieces").json()["pieces"], get(room, "/search?q=养犬").json()["results"],
    )  # fmt: skip
    for one in (told, listed, found):
        assert (one["standing"], one["standing_note"]) == ("repealed", "由云政发〔2026〕9号废止")
    assert told["fields"]["validity"]["value"] == "repealed"
    assert told["fields"]["validity_note"]["value"] == "由云政发〔2026〕9号废止"
    assert "有效性：废止" in found["excerpt"]


def test_an_answer_is_not_sent_twice(room: Newsroom) -> None:
    release = publish(room, title="供热通知")
    for path in ("/pieces", f"/pieces/{release.piece_id}", "/columns", "/guides", "/faqs", "/search?q=供热"):
        first = get(room, path)
        assert first.headers["cache-control"] == "public, max-age=60", path
        tag = first.headers["etag"]
        for held in (tag, f'"other", W/{tag}', "*"):
            again = get(room, path, headers={"if-none-match": held})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    before = get(room, "/pieces").headers["etag"]
    publish(room, title="又一件")
    assert get(room, "/pieces", headers={"if-none-match": before}).status_code == 200


def test_guides_are_sorted_by_the_theme_of_whom_one_asks_for(room: Newsroom, clock: StillClock) -> None:
    own = {"audience": ["法人", "个人"], "personal_theme": "生育收养", "legal_theme": "社会保障"}
    for title, fields in (
        ("生育津贴支付", own),
        ("居民身份证补领", {"audience": ["自然人"], "theme": "证件办理"}),
        ("公司设立登记", {"audience": ["企业"], "theme": "设立变更"}),
        ("工伤认定", {"audience": ["法人", "个人"], "theme": "社会保障"}),
    ):
        publish(room, column="guides", title=title, fields={**GUIDE, **fields})
        clock.step(minutes=1)

    def asked(query: str) -> tuple[list[str], dict[str, int]]:
        answer = get(room, f"/guides{query}").json()
        return [one["title"] for one in answer["guides"]], answer["catalogue"]["themes"]

    assert asked("?audience=个人") == (["工伤认定", "生育津贴支付"], {"社会保障": 1, "生育收养": 1})
    assert asked("?audience=法人") == (["工伤认定", "生育津贴支付"], {"社会保障": 2})
    assert asked("?audience=个人&theme=社会保障")[0] == ["工伤认定"]
    assert asked("?theme=社会保障")[0] == ["工伤认定", "生育津贴支付"]
    every = asked("")
    assert len(every[0]) == 4
    assert every[1] == {"社会保障": 2, "设立变更": 1, "证件办理": 1, "生育收养": 1}
    told = get(room, "/guides?audience=法人&theme=社会保障").json()["guides"][1]
    assert (told["theme"], told["themes"]) == ("社会保障", {"法人": "社会保障", "个人": "生育收养"})
    (alone,) = get(room, "/guides?theme=证件办理").json()["guides"]
    assert (alone["theme"], alone["themes"]) == ("证件办理", {"自然人": "证件办理"})


def test_search_finds_and_says_of_what_kind(room: Newsroom) -> None:
    publish(room, title="关于调整市区供热结束时间的通知")
    found = get(room, "/search?q=供热结束时间").json()
    assert (found["total"], found["kinds"]) == (1, {"notice": 1})
    assert found["results"][0]["title"] == "关于调整市区供热结束时间的通知"
    assert get(room, "/search?q=%20").json()["total"] == 0


def test_a_search_that_finds_nothing_is_kept_for_the_editors_and_not_without_end(room: Newsroom) -> None:
    publish(room, title="关于调整市区供热结束时间的通知")
    for path in ("/search?q=供热结束时间", "/search?q=供热结束时间&kind=guide", "/search?q=%20"):
        get(room, path)
    assert misses(room) == []
    get(room, "/search?q=火星 移民")
    assert misses(room) == ["火星 移民"]
    for number in range(12):
        assert get(room, f"/search?q=火星移民第{number}批").json()["total"] == 0
    assert len(misses(room)) == 10


@pytest.mark.parametrize(
    "path",
    [
        "/pieces?page=0", "/pieces?page=99999", "/pieces?size=51", "/pieces?size=x",
        "/search", f"/search?q={'a' * 301}", f"/guides?theme={'x' * 61}",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_json(room: Newsroom, path: str) -> None:
    answer = get(room, path)
    assert answer.status_code == 422
    assert answer.json()["message"]


@pytest.mark.parametrize("number", ["0", "abc", "99999999999999999999", "-1", "1'"])
def test_a_number_that_is_no_pieces_is_not_found(room: Newsroom, number: str) -> None:
    assert get(room, f"/pieces/{number}").status_code == 404


@pytest.mark.parametrize("text", ["' OR 1=1 --", "<script>alert(1)</script>", "%00", "../../etc/passwd", "通" * 60])
def test_hostile_words_find_nothing_and_break_nothing(room: Newsroom, text: str) -> None:
    publish(room, title="供热通知")
    for path in ("/pieces", "/guides", "/search"):
        name = {"/pieces": "kind", "/guides": "theme", "/search": "q"}[path]
        answer = room.browser().get(f"{API}{path}", params={name: text})
        assert answer.status_code == 200
        assert answer.json()["total"] == 0


def test_nobody_reads_without_end(room: Newsroom) -> None:
    answers = {get(room, "/columns").status_code for _ in range(301)}
    assert answers == {200, 429}
    assert 0 < int(get(room, "/columns").headers["retry-after"]) <= 60


def test_a_device_has_one_conversation(room: Newsroom) -> None:
    browser = room.browser()
    first = browser.post(f"{API}/chat/devices", json={"device": DEVICE})
    assert first.status_code == 200, first.text
    begun = first.json()
    assert begun["lines"][0]["side"] == "bot"
    proof = {"Authorization": f"Bearer {DEVICE}"}
    said = browser.post(
        f"{API}/chat/{begun['id']}/messages", json={"key": "1", "text": "你好", "after": 0}, headers=proof
    )
    assert [line["text"] for line in said.json()["lines"]][1] == "你好"
    assert browser.post(f"{API}/chat/devices", json={"device": DEVICE}).json()["id"] == begun["id"]
    assert browser.post(f"{API}/chat/devices", json={"device": "e" * 40}).json()["id"] != begun["id"]
    assert browser.get(f"{API}/chat/{begun['id']}/lines", headers={"Authorization": "Bearer x"}).status_code == 404
    assert browser.post(f"{API}/chat/{begun['id']}/end", headers=proof).status_code == 200
    assert browser.post(f"{API}/chat/devices", json={"device": DEVICE}).json()["id"] != begun["id"]


@pytest.mark.parametrize("device", ["short", "d" * 101, "<" * 40, None])
def test_a_secret_that_could_be_guessed_is_refused(room: Newsroom, device: str | None) -> None:
    assert room.browser().post(f"{API}/chat/devices", json={"device": device}).status_code == 422


def test_it_describes_itself(room: Newsroom) -> None:
    told = get(room, "/openapi.json").json()
    assert f"{API}/pieces/{{piece_id}}" in told["paths"]
    assert f"{API}/chat/devices" in told["paths"]
    assert all(path.startswith(API) for path in told["paths"])
    assert "security" not in told
    piece = told["paths"][f"{API}/pieces/{{piece_id}}"]["get"]["responses"]
    assert piece["410"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
    reads = [act["get"]["responses"] for path, act in told["paths"].items() if "get" in act and "/chat/" not in path]
    assert [("304" in answers) for answers in reads].count(False) == 1  # But for the description itself.
