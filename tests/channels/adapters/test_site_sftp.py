"""集约化平台（SFTP）: who is trusted, what lies on the server, what a person is left to do."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import paramiko
import pytest

from channels.abilities.rehearsing import Seed
from channels.adapters import field_maps
from channels.adapters.site_sftp import SiteSftpChannel, parcel
from channels.adapters.site_sftp.session import private_key
from channels.base import CannotTell, Live, NotThere, Placed, Post, Uncorrectable
from channels.errors import OutcomeUnknown, Refused, Retryable, Unauthorised
from channels.transport import Guard, dialer
from tests.channels.harness import film_post, make_item
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import SiteSftpSide

AT = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)


@pytest.fixture
def site(rehearsed: Rehearsal) -> Iterator[SiteSftpSide]:
    made = SiteSftpSide(rehearsed)
    yield made
    made.close()


def _with(site: SiteSftpSide, *, credentials: dict[str, str] | None = None, **settings: Any) -> SiteSftpChannel:
    account = site.channel.account
    account = replace(account, settings={**account.settings, **settings})
    return SiteSftpChannel(replace(account, credentials=credentials or account.credentials), site.tools)


def _post(site: SiteSftpSide, action: str = "publish", **more: Any) -> Post:
    item = make_item(site.files, first_published_at=AT)
    file = {"href": f"/files/{'a' * 64}/表.docx", "sha256": site.files.put(b"form"), "name": "表.docx"}
    content = {
        **item.content, "column": {"slug": "notices", "name": "通知公告"}, "unit": "住建局", "attachments": [file],
    }  # fmt: skip
    html = f'{item.html}<p><a href="{file["href"]}">表</a> <a href="/notices/">更多</a></p>'
    words = {"title": more.pop("title", item.title)}
    return Post("d-1", action, [replace(item, content=content, html=html, **words)], **more)  # type: ignore[arg-type]  # One of the actions.


def _xml(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  # Our own file.


def _placed(live: Live) -> dict[int, Placed]:
    return {piece: Placed(piece, shown.remote_id, shown.url, shown.data) for piece, shown in live.shown.items()}


def _live(answer: object) -> Live:
    assert isinstance(answer, Live)
    return answer


def test_page_pictures_attachments_and_index_lie_side_by_side_under_names_of_their_own(site: SiteSftpSide) -> None:
    channel = _with(site, folder="/", fields=["doc.title=title", "doc.body.file=file", "doc.files=files", "no=piece"],
                    constants=["siteId=44"], page_url="https://www.example.gov.cn/art/{piece}.html")  # fmt: skip
    live = _live(channel.publish(_post(site)))
    stem = "/20260303/1"
    assert site.lying() == [f"{stem}-1.png", f"{stem}-a1.docx", f"{stem}.html", f"{stem}.xml"]
    page = site.text(f"{stem}.html")
    assert '<meta charset="utf-8"><title>关于调整供热时间的通知（1）</title>' in page
    assert 'src="1-1.png"' in page
    assert 'href="1-a1.docx"' in page
    index = _xml(site.text(f"{stem}.xml"))
    assert index.findtext("doc/title") == "关于调整供热时间的通知（1）"
    assert (index.findtext("doc/body/file"), index.findtext("siteId"), index.findtext("no")) == ("1.html", "44", "1")
    assert index.findtext("doc/files") == "1-1.png,1-a1.docx"
    assert live.shown[1].url == "https://www.example.gov.cn/art/1.html"
    assert live.shown[1].remote_id == f"{stem}.html"
    named = [line["data"]["path"] for line in site.rehearsal.ledger("file")]
    assert named[-1] == f"{stem}.xml"


def test_a_films_captions_lie_beside_the_page_and_it_links_to_them(site: SiteSftpSide) -> None:
    post, (film, track) = film_post(site.files)
    live = _live(site.channel.publish(post))
    stem = live.shown[1].remote_id.removesuffix(".html")
    assert [path for path in site.lying() if path.startswith(f"{stem}-a")] == [f"{stem}-a1.mp4", f"{stem}-a2.vtt"]
    assert site.text(f"{stem}-a2.vtt") == site.files.get(track["sha256"]).decode()
    assert site.text(f"{stem}-a1.mp4") == site.files.get(film["sha256"]).decode()
    page, base = site.text(f"{stem}.html"), stem.rpartition("/")[2]
    assert f'<a href="{base}-a1.mp4">片.mp4</a>' in page
    assert f'<a href="{base}-a2.vtt">片.vtt</a>' in page
    assert "/files/" not in page
    _live(site.channel.withdraw(replace(post, action="withdraw", placed=_placed(live))))
    assert [path for path in site.lying() if path.startswith(stem)] == []


def test_an_address_has_the_date_and_the_column_that_the_name_of_the_file_has(site: SiteSftpSide) -> None:
    channel = _with(site, page_url="https://www.example.gov.cn/{column}/{date}/{piece}.html")
    live = _live(channel.publish(_post(site)))
    assert (live.shown[1].url, live.shown[1].remote_id) == (
        "https://www.example.gov.cn/notices/20260303/1.html", "/20260303/1.html"
    )  # fmt: skip


def test_the_index_may_be_json_or_absent(site: SiteSftpSide) -> None:
    channel = _with(site, index="json", file_name="{column}/{piece}", columns=["notices=1203"], fields=["c=column"])
    channel.publish(_post(site))
    assert json.loads(site.text("/notices/1.json")) == {"c": "1203"}
    channel = _with(site, index="none", file_name="plain/{piece}")
    channel.publish(_post(site))
    assert [path for path in site.lying() if path.startswith("/plain/")] == [
        "/plain/1-1.png", "/plain/1-a1.docx", "/plain/1.html",
    ]  # fmt: skip


def test_another_host_key_is_refused_before_anything_secret_is_said(site: SiteSftpSide) -> None:
    channel = _with(site, host_key=["SHA256:" + "A" * 43])
    with pytest.raises(Refused, match="主机密钥与登记的不符") as refused:
        channel.publish(_post(site))
    assert site.channel.account.settings["host_key"][0] in str(refused.value.message("zh"))
    assert site.lying() == []
    assert site.rehearsal.ledger("refused") == []
    with pytest.raises(Refused, match="主机密钥与登记的不符"):
        _with(site, host_key=[]).publish(_post(site))


def test_after_a_change_of_keys_both_may_be_known(site: SiteSftpSide) -> None:
    known = [*site.channel.account.settings["host_key"], "SHA256:" + "A" * 43]
    assert isinstance(_with(site, host_key=known).publish(_post(site)), Live)


@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "flat"])
def test_a_key_opens_instead_of_a_password_also_when_the_form_dropped_its_line_breaks(
    site: SiteSftpSide, kind: str
) -> None:
    key = paramiko.RSAKey.generate(2048) if kind == "rsa" else paramiko.ECDSAKey.generate(bits=256)
    kept = io.StringIO()
    key.write_private_key(kept)
    text = kept.getvalue().replace("\n", "" if kind == "flat" else "\n")
    site.rehearsal.control("accounts/sftp", user=site.user, public_key=key.get_base64())
    assert isinstance(_with(site, credentials={"private_key": text}).publish(_post(site)), Live)
    with pytest.raises(Unauthorised):
        _with(site, credentials={"password": "the old one"}).publish(_post(site))


def test_whether_the_secret_holds_is_asked_by_opening_a_session(site: SiteSftpSide) -> None:
    assert site.channel.health() == ""
    assert site.lying() == []
    with pytest.raises(Unauthorised):
        _with(site, credentials={"password": "another"}).health()
    assert "连不上" in _with(site, server="127.0.0.1:1").health()
    assert "主机密钥" in _with(site, host_key=["SHA256:" + "A" * 43]).health()


@pytest.mark.parametrize("text", ["not a key", "-----BEGIN RSA PRIVATE KEY-----AAAA-----END RSA PRIVATE KEY-----"])
def test_what_is_no_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Unauthorised, match="私钥"):
        private_key({"private_key": text})


def test_a_private_address_is_not_called_and_a_proxy_is_not_passed_by(site: SiteSftpSide) -> None:
    guarded = SiteSftpChannel(site.channel.account, replace(site.tools, dial=dialer(Guard())))
    with pytest.raises(Refused, match="内网地址"):
        guarded.publish(_post(site))
    proxied = SiteSftpChannel(site.channel.account, replace(site.tools, dial=None))
    with pytest.raises(Refused, match="代理"):
        proxied.publish(_post(site))


def test_a_server_that_is_away_is_tried_again(site: SiteSftpSide) -> None:
    with pytest.raises(Retryable, match="连不上"):
        _with(site, server="127.0.0.1:1").publish(_post(site))


def test_a_folder_without_the_right_to_write_is_refused_in_words(site: SiteSftpSide) -> None:
    password = site.channel.account.credentials["password"]
    site.rehearsal.control("accounts/sftp", user=site.user, password=password, read_only=True)
    with pytest.raises(Refused, match="不允许在目录"):
        site.channel.publish(_post(site))


def test_nothing_shows_until_everything_is_there(site: SiteSftpSide) -> None:
    site.rehearsal.control("faults", kind="cut_before", platform="sftp", path="close", skip=2)
    with pytest.raises(Retryable):
        site.channel.publish(_post(site))
    assert not any(path.endswith((".html", ".xml")) for path in site.lying())


def test_a_lost_answer_is_settled_by_looking(site: SiteSftpSide) -> None:
    post = _post(site)
    assert isinstance(site.channel.reconcile(post), NotThere)
    site.rehearsal.control("faults", kind="cut_after", platform="sftp", path="rename", skip=3)
    with pytest.raises(OutcomeUnknown):
        site.channel.publish(post)
    assert _live(site.channel.reconcile(post)).shown[1].remote_id == "/20260303/1.html"


@pytest.mark.parametrize("picked_up", [True, False])
def test_where_nothing_was_taken_away_nothing_is_said_to_be(site: SiteSftpSide, picked_up: bool) -> None:
    channel = _with(site, picked_up=picked_up)
    if picked_up:
        assert isinstance(channel.reconcile(_post(site)), CannotTell)
    live = _live(channel.publish(_post(site)))
    for path in live.shown[1].data["files"]:
        del site.rehearsal.app.world.state.sftp.inboxes[site.user].files[path]
    answer = channel.withdraw(_post(site, "withdraw", placed=_placed(live)))
    assert isinstance(answer, Uncorrectable)
    assert answer.by_hand


def test_a_correction_stands_in_the_place_of_the_old_and_leaves_nothing_of_it(site: SiteSftpSide) -> None:
    live = _live(site.channel.publish(_post(site)))
    fresh = _post(site, "correct", title="更正后的标题", placed=_placed(live))
    fresh = replace(fresh, items=[replace(fresh.items[0], html="<p>没有图了。</p>")])
    again = _live(site.channel.correct(fresh))
    assert site.lying() == ["/20260303/1-a1.docx", "/20260303/1.html", "/20260303/1.xml"]
    assert "更正后的标题" in site.text("/20260303/1.html")
    assert again.shown[1].remote_id == live.shown[1].remote_id


def test_a_correction_may_be_a_version_of_its_own_and_all_are_taken_back(site: SiteSftpSide) -> None:
    channel = _with(site, corrections="version", fields=["v=version", "f=file"])
    live = _live(channel.publish(_post(site)))
    second = _live(channel.correct(_post(site, "correct", placed=_placed(live))))
    assert second.shown[1].remote_id == "/20260303/1_v2.html"
    assert _xml(site.text("/20260303/1_v2.xml")).findtext("v") == "2"
    assert "/20260303/1.html" in site.lying()
    assert isinstance(channel.withdraw(_post(site, "withdraw", placed=_placed(second))), Live)
    assert site.lying() == []


def test_a_withdrawal_may_be_a_file_that_says_so(site: SiteSftpSide) -> None:
    channel = _with(site, withdrawals="file", index="json", fields=["act=act", "why=phrase", "f=file"])
    live = _live(channel.publish(_post(site)))
    channel.withdraw(_post(site, "withdraw", placed=_placed(live), phrase="该内容已撤下。"))
    told = json.loads(site.text("/20260303/1.withdrawn.json"))
    assert told == {"act": "withdraw", "why": "该内容已撤下。", "f": "1.html"}
    assert "/20260303/1.html" in site.lying()


def test_what_was_never_sent_from_here_is_a_persons_to_change(site: SiteSftpSide) -> None:
    for answer in (site.channel.correct(_post(site, "correct")), site.channel.withdraw(_post(site, "withdraw"))):
        assert isinstance(answer, Uncorrectable)
        assert answer.by_hand


@pytest.mark.parametrize(
    "pattern", ["../{piece}", "/etc/{piece}", "a//{piece}", ".{piece}", "{piece}/", "{title}", "no"]
)
def test_a_pattern_that_leaves_the_folder_or_names_no_piece_is_told_before_booking(
    site: SiteSftpSide, pattern: str
) -> None:
    assert parcel.fault_of(pattern)
    settings = {**site.channel.account.settings, "file_name": pattern}
    assert [one.field for one in SiteSftpChannel.check(settings, _post(site))] == ["account"]
    with pytest.raises(Refused):
        _with(site, file_name=pattern).publish(_post(site))


def test_a_fingerprint_and_maps_that_cannot_be_right_are_told_before_booking(site: SiteSftpSide) -> None:
    settings = {
        **site.channel.account.settings, "host_key": ["MD5:aa:bb"], "fields": ["x=nonsense"], "columns": ["news=1"],
    }  # fmt: skip
    told = " ".join(one.message for one in SiteSftpChannel.check(settings, _post(site)))
    for words in ("MD5:aa:bb", "nonsense", "通知公告"):
        assert words in told


def test_what_xml_cannot_hold_does_not_break_the_index() -> None:
    made = field_maps.as_xml({"a": "x\x0cy\x00z <b>&", "o": {"p": "钅"}})
    assert _xml(made.decode()).findtext("a") == "xyz <b>&"


def test_the_double_keeps_its_maps_and_none_of_its_secrets() -> None:
    seed = Seed(
        "网站", {"columns": ["notices=1"], "server": "real.example", "host_key": ["SHA256:x"]}, "localhost", "s"
    )
    stand_in = SiteSftpChannel.stand_in(seed)
    assert stand_in.settings["columns"] == ["notices=1"]
    assert "server" not in stand_in.settings
    assert base64.b16decode(stand_in.credentials["password"].upper())
