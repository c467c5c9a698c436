"""Pieces, releases, columns and words of a unit, for every editorial route with an object in its address."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from channels.accounts.models import Account
from content import attachments, compose, public, release
from content.compose import Draft
from content.links import digest_of
from content.models import Asset, Column, LaterSigning, LinkPlace, ListedWord, Piece, Release, Revision, Signature
from content.pictures import normalise
from content.snapshot import Target as Signed
from content.snapshot import Window
from content.states import ReleaseState
from kernel.blobs import Blobs
from kernel.people import Grant, Person, Role, Unit, Viewer, viewer
from kernel.work import Work
from templates.engine import Engine
from tests.factories import picture_bytes
from tests.house.target import Target

BLOCKED = "<p>值班手机 13800138000</p>"


@cache
def engine() -> Engine:
    """Templates are read once."""
    return Engine()


def a_colleague(work: Work, unit: Unit, role: Role) -> Viewer:
    """A fresh person with a role in the unit."""
    login = f"{role}-{unit.code}-{secrets.token_hex(4)}"
    person = Person(unit_id=unit.id, name="同事", login=login, active=True, language="zh")
    work.session.add(person)
    work.session.flush()
    work.session.add(Grant(person_id=person.id, role=role.value, unit_id=unit.id))
    work.session.flush()
    return viewer(work.session, person, work.now)


def column_of(work: Work, unit: Unit) -> Column:
    """A fresh column of the unit."""
    slug = f"c-{secrets.token_hex(4)}"
    column = Column(unit_id=unit.id, slug=slug, name="公告", kind="notice", active=True)
    work.session.add(column)
    work.session.flush()
    return column


def write(work: Work, unit: Unit, body: str = "<p>正文</p>") -> tuple[Viewer, Piece]:
    """A written draft and its author."""
    author = a_colleague(work, unit, Role.OFFICER)
    piece = compose.create(work, author, column_of(work, unit), draft=Draft(title="标题", body=body))
    return author, piece


def submitted(work: Work, unit: Unit) -> Release:
    """An open release to an account of the unit."""
    author, piece = write(work, unit)
    return submit(work, unit, author, piece)


def submit(work: Work, unit: Unit, author: Viewer, piece: Piece) -> Release:
    """Submits a piece to the unit's portal."""
    account = portal(work, unit)
    target = Signed(account.id, account.name, "portal", "page", "publish")
    return release.submit(work, author, piece, [target], Window(), engine=engine(), portal="https://example.gov.cn")


def portal(work: Work, unit: Unit) -> Account:
    """A portal account of the unit."""
    account = Account(
        unit_id=unit.id, channel="portal", name="网站", code=f"p-{secrets.token_hex(4)}", action="publish"
    )
    work.session.add(account)
    work.session.flush()
    return account


def a_piece(work: Work, unit: Unit, state: str = "draft") -> Target:
    """A piece in a state, with a form that saves it."""
    author, piece = write(work, unit)
    portal(work, unit)
    if state == "review":
        submit(work, unit, author, piece)
    elif state == "trash":
        compose.trash(work, author, piece)
    words = {"version": piece.version, "title": "新标题", "body": "<p>新正文</p>"}
    return Target({"piece_id": piece.id, "channel": "portal"}, form={**words, "act": "save"}, json=words)


def a_public_piece(work: Work, unit: Unit) -> Target:
    """A piece that the public sees, with a mark for it."""
    opened = submitted(work, unit)
    public.went_live(work, opened.id, work.now)
    sent = {"standing": "repealed", "note": "由新文件废止"}
    return Target({"piece_id": opened.piece_id}, form=sent, json=sent)


def a_piece_that_can_move(work: Work, unit: Unit) -> Target:
    """A draft, and another column of its kind."""
    _author, piece = write(work, unit)
    column = Column(unit_id=unit.id, slug=f"moved-{piece.id}", name="另一栏目", kind=piece.kind)
    work.session.add(column)
    work.session.flush()
    return Target({"piece_id": piece.id}, form={"column": str(column.id)}, json={"column": column.id})


def a_blocked_piece(work: Work, unit: Unit) -> Target:
    """A piece with a finding to lift."""
    _author, piece = write(work, unit, BLOCKED)
    revision = work.session.get_one(Revision, piece.revision_id)
    key = release.check(work.session, piece, revision)[0][0].key
    sent = {"finding": key, "reason": "经核实"}
    return Target({"piece_id": piece.id}, form=sent, json=sent)


def an_upload(work: Work, unit: Unit, name: str, data: bytes) -> Target:
    """A piece to which a file is sent."""
    _author, piece = write(work, unit)
    return Target({"piece_id": piece.id}, files={"file": (name, data)})


def an_asset(work: Work, unit: Unit) -> Target:
    """A picture of a piece, whose bytes no other unit has."""
    author, piece = write(work, unit)
    colour = f"#{secrets.token_hex(3)}"
    picture = normalise(picture_bytes(colour), "图.png")
    asset = compose.add_picture(work, author, piece, blobs_of(work), "图.png", picture)
    name = f"{asset.sha256}.{'png' if asset.media_type == 'image/png' else 'jpg'}"
    params = {"piece_id": piece.id, "asset_id": asset.id, "name": name, "sha256": asset.sha256}
    return Target(params, form={"alt": "说明"}, json={"alt": "说明"})


def a_release(work: Work, unit: Unit) -> Target:
    """An open release, with forms for every act on it."""
    opened = submitted(work, unit)
    other = a_colleague(work, unit, Role.REVIEWER)
    form = {"seen": opened.hash, "opinion": "意见", "to": str(other.person_id), "person": str(other.person_id)}
    json = {"hash": opened.hash, "reason": "意见", "opinion": "意见", "to": other.person_id}
    return Target({"release_id": opened.id, "channel": "portal"}, form={**form, "check": opened.hash[:8]}, json=json)


def a_release_owing(work: Work, unit: Unit, proofs: int = 0) -> Target:
    """An emergency release that went out and owes a signature and so many proof passes."""
    target = a_release(work, unit)
    opened = work.session.get_one(Release, target.params["release_id"])
    opened.state, opened.levels, opened.emergency = ReleaseState.SIGNED, 2, True
    times = {"opened_at": work.now, "due_at": work.now}
    work.session.add(LaterSigning(unit_id=unit.id, release_id=opened.id, levels=3, proofs=proofs, verdict="", **times))
    work.session.flush()
    return target


def a_release_on_paper(work: Work, unit: Unit) -> Target:
    """The same with a scan."""
    target = a_release(work, unit)
    return Target(target.params, form=target.form, files={"file": ("签字页.png", picture_bytes())})


def a_release_with_a_scan(work: Work, unit: Unit) -> Target:
    """A release whose first level was signed on paper."""
    opened = submitted(work, unit)
    scan = blobs_of(work).put(picture_bytes("#" + secrets.token_hex(3))).sha256
    signer = a_colleague(work, unit, Role.REVIEWER).person_id
    row = Signature(
        release_id=opened.id, level=1, person_id=signer, verdict="agree", method="paper", scan=scan,
        filed_by=a_colleague(work, unit, Role.OFFICER).person_id, release_hash=opened.hash, at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return Target({"release_id": opened.id, "signature_id": row.id})


def a_release_with_a_picture(work: Work, unit: Unit) -> Target:
    """An open release that shows a picture."""
    author, piece = write(work, unit)
    picture = normalise(picture_bytes(), "图.png")
    asset = compose.add_picture(work, author, piece, blobs_of(work), "图.png", picture, "说明")
    body = f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{asset.sha256}.jpg">'
    compose.save(work, author, piece, Draft(title="标题", body=body), piece.version)
    opened = submit(work, unit, author, piece)
    return Target({"release_id": opened.id, "name": f"{asset.sha256}.jpg"})


def a_release_with_an_attachment(work: Work, unit: Unit) -> Target:
    """An open release that carries a document."""
    author, piece = write(work, unit)
    data = secrets.token_hex(8).encode()
    asset = compose.add_attachment(work, author, piece, blobs_of(work), attachments.read("附件.txt", data))
    compose.save(work, author, piece, Draft(title="标题", body="<p>供热站检修现场的情况如下</p>"), piece.version)
    opened = submit(work, unit, author, piece)
    return Target({"release_id": opened.id, "sha256": asset.sha256, "name": asset.name})


def a_submission(work: Work, unit: Unit) -> Target:
    """A draft ready to be submitted by the API."""
    _author, piece = write(work, unit)
    account = portal(work, unit)
    return Target({"piece_id": piece.id}, json={"version": piece.version, "targets": [{"account": account.id}]})


def a_column(work: Work, unit: Unit) -> Target:
    """A column of the unit."""
    form = {"name": "新名", "active": "1"}
    return Target({"column_id": column_of(work, unit).id}, form=form, json={"name": "新名"})


def a_word(work: Work, unit: Unit) -> Target:
    """A listed word of the unit."""
    row = ListedWord(unit_id=unit.id, word=secrets.token_hex(4), level="block")
    work.session.add(row)
    work.session.flush()
    return Target({"word_id": row.id})


def blobs_of(work: Work) -> Blobs:
    """The files of the hub under test, which lie beside its database."""
    bind: Any = work.session.get_bind()
    return Blobs(Path(bind.engine.url.database).parent / "files")


def an_attachment(work: Work, unit: Unit) -> Target:
    """A document of a piece."""
    author, piece = write(work, unit)
    data = secrets.token_hex(8).encode()
    asset: Asset = compose.add_attachment(work, author, piece, blobs_of(work), attachments.read("附件.txt", data))
    return Target({"sha256": asset.sha256, "name": asset.name})


picture = partial(an_upload, name="图.png", data=picture_bytes())
document = partial(an_upload, name="附件.txt", data=b"text")


def a_link(work: Work, unit: Unit) -> Target:
    """A link on a public page of the unit; its address is refused before anything is called."""
    address = f"https://127.0.0.1:9/{secrets.token_hex(4)}"
    _author, piece = write(work, unit)
    work.session.add(LinkPlace(piece_id=piece.id, digest=digest_of(address), unit_id=unit.id, address=address))
    work.session.flush()
    return Target({"digest": digest_of(address)})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/pieces/{piece_id}": a_piece,
    "/console/pieces/{piece_id}/autosave": a_piece,
    "/console/pieces/{piece_id}/reopen": partial(a_piece, state="review"),
    "/console/pieces/{piece_id}/recall": partial(a_piece, state="review"),
    "/console/pieces/{piece_id}/trash": a_piece,
    "/console/pieces/{piece_id}/restore": partial(a_piece, state="trash"),
    "/console/pieces/{piece_id}/pictures": picture,
    "/console/pieces/{piece_id}/attachments": document,
    "/console/pieces/{piece_id}/assets": a_piece,
    "/console/pieces/{piece_id}/assets/{asset_id}": an_asset,
    "/console/pieces/{piece_id}/assets/{asset_id}/remove": an_asset,
    "/console/pieces/{piece_id}/findings": a_piece,
    "/console/pieces/{piece_id}/lift": a_blocked_piece,
    "/console/pieces/{piece_id}/preview/{channel}": a_piece,
    "/console/pieces/{piece_id}/previews": a_piece,
    "/console/pieces/{piece_id}/history": a_piece,
    "/console/pieces/{piece_id}/standing": a_public_piece,
    "/console/pieces/{piece_id}/column": a_piece_that_can_move,
    "/console/pieces/{piece_id}/form": partial(a_piece, state="review"),
    "/console/media/{name}": an_asset,
    "/console/files/{sha256}/{name}": an_attachment,
    "/console/signing/{release_id}": a_release,
    "/console/signing/{release_id}/preview/{channel}": a_release,
    "/console/signing/{release_id}/media/{name}": a_release_with_a_picture,
    "/console/signing/{release_id}/files/{sha256}/{name}": a_release_with_an_attachment,
    "/console/signing/{release_id}/agree": a_release,
    "/console/signing/{release_id}/return": a_release,
    "/console/signing/{release_id}/delegate": a_release,
    "/console/signing/{release_id}/proof": a_release,
    "/console/signing/{release_id}/later/agree": a_release_owing,
    "/console/signing/{release_id}/later/object": a_release_owing,
    "/console/signing/{release_id}/later/proof": partial(a_release_owing, proofs=3),
    "/console/signing/{release_id}/form": a_release,
    "/console/signing/{release_id}/paper": a_release_on_paper,
    "/console/signing/{release_id}/scan/{signature_id}": a_release_with_a_scan,
    "/console/columns/{column_id}": a_column,
    "/console/words/{word_id}/remove": a_word,
    "/console/links/{digest}/ask": a_link,
    "/api/v1/pieces/{piece_id}": a_piece,
    "/api/v1/pieces/{piece_id}/pictures": picture,
    "/api/v1/pieces/{piece_id}/attachments": document,
    "/api/v1/pieces/{piece_id}/findings": a_piece,
    "/api/v1/pieces/{piece_id}/accounts": a_piece,
    "/api/v1/pieces/{piece_id}/submit": a_submission,
    "/api/v1/pieces/{piece_id}/recall": partial(a_piece, state="review"),
    "/api/v1/pieces/{piece_id}/reopen": partial(a_piece, state="review"),
    "/api/v1/pieces/{piece_id}/trash": a_piece,
    "/api/v1/pieces/{piece_id}/restore": partial(a_piece, state="trash"),
    "/api/v1/pieces/{piece_id}/column": a_piece_that_can_move,
    "/api/v1/pieces/{piece_id}/lift": a_blocked_piece,
    "/api/v1/pieces/{piece_id}/standing": a_public_piece,
    "/api/v1/pieces/{piece_id}/history": a_piece,
    "/api/v1/pieces/{piece_id}/assets": a_piece,
    "/api/v1/pieces/{piece_id}/assets/{asset_id}": an_asset,
    "/api/v1/columns/{column_id}": a_column,
    "/api/v1/words/{word_id}": a_word,
    "/api/v1/links/{digest}/ask": a_link,
    "/api/v1/releases/{release_id}/signatures": a_release,
    "/api/v1/releases/{release_id}/delegate": a_release,
    "/api/v1/releases/{release_id}/paper": a_release_on_paper,
    "/api/v1/releases/{release_id}/later/sign": a_release_owing,
    "/api/v1/releases/{release_id}/later/object": a_release_owing,
    "/api/v1/releases/{release_id}/later/proofs": partial(a_release_owing, proofs=3),
    "/api/v1/releases/{release_id}": a_release,
    "/api/v1/releases/{release_id}/sign": a_release,
    "/api/v1/releases/{release_id}/return": a_release,
    "/api/v1/releases/{release_id}/proofs": a_release,
}
OF_NOBODY: dict[str, str] = {
    "/s/{token}": "the token and its code are the proof; whose they are stands in the link's own row",
    "/s/{token}/preview/{channel}": "the same link",
    "/s/{token}/media/{name}": "the same link, and only pictures of its release",
    "/s/{token}/files/{sha256}/{name}": "the same link, and only attachments of its release",
}
