"""What was read becomes drafts, once: recognised by key and by title, with pictures beside the text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from content import compose
from content import release as releases
from content.errors import NoRight
from content.importing.docx import Document, Embedded, read_docx
from content.importing.drafts import Row, fit, import_docx, import_entry, keep_pictures, known
from content.importing.feeds import Entry, read_feed
from content.importing.models import Imported
from content.models import Asset, Column, Piece, Revision
from kernel.clock import StillClock
from tests.content.importing.word import notice
from tests.factories import OWN_HOSTS, Office, picture_bytes

RSS = """<rss version="2.0"><channel><title>云州市水务局</title><link>https://swj.example/</link><item>
<title>停水通知</title><link>https://swj.example/1</link><guid>https://swj.example/1</guid>
<description><![CDATA[<p>今晚停水。</p><img src="/a.png" alt="管网"><img src="/b.png">]]></description></item>
</channel></rss>"""


def entry(**changes: object) -> Entry:
    return replace(read_feed(RSS.encode()).entries[0], **changes)


def bring(office: Office, given: Entry, by: str = "author", column: str = "notices", **pictures: bytes) -> Row:
    fitted = fit((int(name[1:]), data) for name, data in pictures.items())
    with office.working(by) as (work, who):
        chosen = work.session.get_one(Column, office.columns[column].id)
        return import_entry(work, who, chosen, given, fitted, office.blobs)


def piece_of(office: Office, row: Row) -> tuple[Piece, Revision, list[Asset]]:
    with office.works.read() as work:
        piece = work.session.get_one(Piece, row.piece_id)
        assets = work.session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id)).all()
        return piece, work.session.get_one(Revision, piece.revision_id), list(assets)


def test_an_entry_becomes_a_draft_with_its_source(both: Office) -> None:
    row = bring(both, entry(), p0=picture_bytes("red"), p1=picture_bytes("blue"))
    piece, revision, assets = piece_of(both, row)
    assert (row.state, row.title, row.link, row.remarks) == ("new", "停水通知", "https://swj.example/1", ())
    assert (piece.origin, piece.source_key, piece.state, piece.kind) == ("imported", entry().key, "draft", "notice")
    assert (revision.source_name, revision.source_url) == ("云州市水务局", "https://swj.example/1")
    assert (revision.editor, revision.number) == ("王文", 1)
    assert [(asset.name, asset.alt) for asset in assets] == [("1", "管网"), ("2", "")]
    assert revision.body == (
        f'<p>今晚停水。</p><img src="/media/{assets[0].sha256}.jpg" alt="管网">'
        f'<img src="/media/{assets[1].sha256}.jpg" alt="">'
    )


def test_a_picture_that_cannot_be_read_becomes_a_red_placeholder_that_blocks(office: Office) -> None:
    row = bring(office, entry(), p0=b"<html>403</html>")
    piece, revision, assets = piece_of(office, row)
    assert assets == []
    assert revision.body.count('data-unread="1"') == 2
    assert row.remarks == ("有 2 张图片未能读取，已用红框标出，请逐一上传。",)
    with office.works.read() as work:
        found = releases.check(work.session, piece, revision, own_hosts=OWN_HOSTS)
    assert "unread_picture" in {finding.rule for finding, _lift in found if finding.level == "block"}


def test_the_same_entry_is_there_already(both: Office) -> None:
    first = bring(both, entry())
    again = bring(both, entry(title="停水通知（更新标题）", digest=entry().digest), by="officer")
    assert (again.state, again.piece_id) == ("known", first.piece_id)
    with both.works.read() as work:
        assert work.session.scalar(select(func.count()).select_from(Piece)) == 1


def test_an_entry_that_changed_is_told_and_not_overwritten(office: Office) -> None:
    first = bring(office, entry())
    again = bring(office, entry(digest="f" * 64, html="<p>明晚停水。</p>"))
    assert (again.state, again.piece_id) == ("changed", first.piece_id)
    assert again.remarks == ("来源已更新，原稿未改动，请核对。",)
    assert "今晚停水" in piece_of(office, first)[1].body


def test_our_own_edits_are_no_change_of_the_source(office: Office) -> None:
    first = bring(office, entry())
    assert first.piece_id is not None
    office.save(first.piece_id, title="关于停水的通知", body="<p>改过。</p>")
    assert bring(office, entry()).state == "known"


def test_a_title_seen_from_the_same_source_within_90_days_is_there_already(office: Office, clock: StillClock) -> None:
    first = bring(office, entry())
    other = entry(key="e" * 64, link="https://swj.example/mirror/1")
    assert bring(office, other).piece_id == first.piece_id
    assert bring(office, replace(other, source="云州日报")).state == "new"
    clock.step(days=91)
    assert bring(office, replace(other, key="d" * 64)).state == "new"


def test_a_piece_in_the_trash_is_not_brought_in_again(office: Office) -> None:
    first = bring(office, entry())
    with office.working("author") as (work, who):
        compose.trash(work, who, work.session.get_one(Piece, first.piece_id))
    assert bring(office, entry()).state == "known"


def test_each_unit_takes_over_for_itself(both: Office) -> None:
    first = bring(both, entry())
    second = bring(both, entry(), by="stranger", column="water")
    assert (first.state, second.state) == ("new", "new")
    with both.works.read() as work:
        rows = work.session.scalars(select(Imported).order_by(Imported.piece_id)).all()
        assert [row.unit_id for row in rows] == [both.bureau.id, both.other.id]
        assert known(work.session, both.city.id, entry(), work.now) is None


def test_nobody_imports_where_he_may_not_write(office: Office) -> None:
    for by, column in (("stranger", "notices"), ("reviewer", "notices")):
        with pytest.raises(NoRight):
            bring(office, entry(), by=by, column=column)
    with office.works.read() as work:
        assert work.session.scalar(select(func.count()).select_from(Piece)) == 0


def document(**changes: object) -> Document:
    return replace(read_docx(notice()), **changes)


def fitted(given: Document) -> dict[int, bytes]:
    return fit((number, picture.data) for number, picture in enumerate(given.pictures))


def bring_document(office: Office, given: Document) -> Row:
    with office.working("author") as (work, who):
        chosen = work.session.get_one(Column, office.columns["notices"].id)
        return import_docx(work, who, chosen, given, fitted(given), office.blobs)


def test_a_document_becomes_a_draft_with_its_pictures_in_place(both: Office) -> None:
    row = bring_document(both, document())
    piece, revision, assets = piece_of(both, row)
    assert (row.state, piece.title, piece.origin) == ("new", "关于进一步加强城区供热管理工作的通知", "imported")
    assert [(asset.name, asset.alt) for asset in assets] == [("1.png", "供热站外景"), ("2.jpeg", "检修现场")]
    places = [revision.body.index(asset.sha256) for asset in assets]
    assert places[0] < revision.body.index('rowspan="2"') < places[1]
    assert 'colspan="2"' in revision.body
    assert '<p class="signature align-right">2026年3月2日</p>' in revision.body


def test_the_same_file_is_there_already(office: Office) -> None:
    first = bring_document(office, document())
    again = bring_document(office, document())
    assert (again.state, again.piece_id, again.remarks) == ("known", first.piece_id, ("同一文件已导入过。",))


def test_a_picture_in_a_format_nobody_reads_is_told(office: Office) -> None:
    metafile = Embedded(b"\xd7\xcd\xc6\x9a" + bytes(60), "1.x-wmf", "公式")
    row = bring_document(office, document(pictures=(metafile, document().pictures[1])))
    body = piece_of(office, row)[1].body
    assert row.remarks == ("有 1 张图片未能读取，已用红框标出，请逐一上传。",)
    assert (body.count("data-unread"), body.count("/media/")) == (1, 1)


def test_a_documents_pictures_can_be_kept_with_a_piece_that_is_being_written(office: Office) -> None:
    piece_id = office.piece().id
    given = document()
    with office.working("author") as (work, who):
        html = keep_pictures(work, who, work.session.get_one(Piece, piece_id), given, fitted(given), office.blobs)
    with office.works.read() as work:
        names = work.session.scalars(select(Asset.sha256).where(Asset.piece_id == piece_id)).all()
        assert all(f"/media/{name}." in html for name in names)
        assert len(names) == 2
        body = work.session.scalars(select(Revision.body).where(Revision.piece_id == piece_id)).one()
    assert "/media/" not in body
