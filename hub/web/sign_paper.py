"""线下签: the printed form, and its scan filed by somebody other than the author."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from content import review, rules
from content.errors import NoRight
from content.models import Release, Signature
from content.pictures import normalise
from content.review import Paper
from hub.editorial import release_for
from hub.product import Hub
from hub.web import approval
from hub.web.access import Asker, HubDep
from hub.web.forms import FormState
from hub.web.media import blob
from hub.web.pages import page, say, see_other
from hub.web.signing_guard import SigningGuard
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person, viewer
from kernel.work import Work
from templates.catalogue import _

router = APIRouter()

P = Permission
Signer = Annotated[Asker, Depends(SigningGuard())]
Text = Annotated[str, Form()]
SCANS = (".pdf", ".jpg", ".jpeg", ".png", ".heic")


@router.get("/{release_id}/form")
def approval_form(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """信息发布审核表, to print and to sign on paper."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        form = approval.form_of(work.session, release, hub.settings.office_zone, work.now)
    back = f"/console/signing/{release_id}"
    return page(request, asker, "pages/approval_form.html", form=form, back_href=back)


@router.get("/{release_id}/paper")
def paper_page(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """The form for filing a release that was signed on paper."""
    return _paper_page(request, hub, asker, release_id, FormState())


@router.post("/{release_id}/paper")
def file_paper(
    request: Request,
    hub: HubDep,
    asker: Signer,
    release_id: int,
    file: Annotated[UploadFile | None, File()] = None,
    person: Text = "",
    check: Text = "",
    opinion: Text = "",
) -> Response:
    """线下签: files the scan of the printed form, in the name of who signed it; never by the author."""
    try:
        scan = read_scan(hub, file)
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            file_scan(work, asker, release, scan, person, check, opinion)
    except XuandaError as error:
        form = FormState(
            {"person": person, "check": check, "opinion": opinion}, error.field, error.message(asker.language)
        )
        return _paper_page(request, hub, asker, release_id, form, error.status)
    return see_other(f"/console/signing/{release_id}", say(hub, asker, _("线下签已登记。")))


@router.get("/{release_id}/scan/{signature_id}")
def scan_of(hub: HubDep, asker: Signer, release_id: int, signature_id: int) -> Response:
    """The scan of a form signed on paper, for whoever may read the release; a PDF always as a download."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        row = work.session.get(Signature, signature_id)
    if row is None or row.release_id != release.id or not row.scan:
        raise NotFound
    media_type, ending, shown = _sort_of(hub, row.scan)
    response = blob(hub, row.scan, media_type)
    number = approval.form_number(release, hub.settings.office_zone)
    name = quote(f"线下签-{number}-{row.level}.{ending}")
    response.headers["Content-Disposition"] = f"{shown}; filename*=UTF-8''{name}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _sort_of(hub: Hub, sha256: str) -> tuple[str, str, str]:
    """Content type, ending and disposition by the first bytes, which were looked at when the scan was filed."""
    path = hub.blobs.path(sha256)
    if not path.is_file():
        raise NotFound
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"%PDF-"):
        return "application/pdf", "pdf", "attachment"
    if start.startswith(b"\x89PNG"):
        return "image/png", "png", "inline"
    return "image/jpeg", "jpg", "inline"


def file_scan(work: Work, asker: Asker, release: Release, scan: str, person: str, check: str, opinion: str) -> None:
    """Files a scan that was kept as the signature of the named person, over the form with this check value."""
    signer = _paper_signer(work, asker, release, person)
    if check.strip().lower() != release.hash[: len(check.strip())] or len(check.strip()) < 8:
        raise Invalid(field="check", why="校验值与本发布件不符，请核对纸质审核表是否为最新一版。")
    method = Paper(scan, asker.viewer.person_id)
    review.sign(work, viewer(work.session, signer, work.now), release, release.hash, opinion, paper=method)
    work.audit("release.paper_filed", release, signer=signer.name, scan=scan)


def _paper_signer(work: Work, asker: Asker, release: Release, person: str) -> Person:
    if not (asker.may(P.PIECE_WRITE, release.unit_id) or asker.may(P.PIECE_REVIEW, release.unit_id)):
        raise NoRight(what="登记线下签")
    signers = review.signers_of(work.session, release, work.now)
    signer = next((one for one in signers if str(one.id) == person), None)
    if signer is None:
        raise Invalid(field="person", why="请选择在纸质审核表上签字、且有权审签这一级的人。")
    return signer


def read_scan(hub: Hub, file: UploadFile | None) -> str:
    """Keeps the scan of a signed page and returns its sha256; raises Invalid for any other file."""
    name = (file.filename or "").lower() if file else ""
    if file is None or not name.endswith(SCANS):
        raise Invalid(field="file", why="请上传签字页的扫描件或照片（PDF、JPG、PNG、HEIC）。")
    data = file.file.read()
    if name.endswith(".pdf"):
        if not data.startswith(b"%PDF-"):
            raise Invalid(field="file", why="此文件不是 PDF。")
        return hub.blobs.put(data).sha256
    return hub.blobs.put(normalise(data, name).data).sha256


def _paper_page(
    request: Request, hub: Hub, asker: Asker, release_id: int, form: FormState, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        signers = review.signers_of(work.session, release, work.now)
        level = review.next_level(work.session, release)
    return page(
        request,
        asker,
        "pages/signing/paper.html",
        status=status,
        release=release,
        signers=[(person.id, person.name) for person in signers],
        level=rules.level_name(level, release.levels) if level <= release.levels else "",
        number=approval.form_number(release, hub.settings.office_zone),
        form=form,
    )
