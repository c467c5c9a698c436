"""How a release stands: its signatures, its acts, the form 信息发布审核表, and what changed since the last one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from channels.base import ACTION_LABELS, audience_label
from content import later, review, rules
from content.kinds import kind_of
from content.models import Lift, Piece, ProofPass, Release, Revision
from content.models import Signature as SignedRow
from content.origins import origin_of
from content.sanitise import plain
from content.states import ReleaseState
from kernel.audit import AuditLine
from kernel.people import Person
from scheduler.emergency import LEVELS
from templates.catalogue import _
from templates.filters import local_time
from templates.views import Act, ApprovalForm, Change, Signature, Tone

PROOF_NAMES = (_("一校"), _("二校"), _("三校"), _("四校"), _("五校"))
LONGEST_COMPARED = 6000
CHINA = ZoneInfo("Asia/Shanghai")
MOST_ACTS = 200

ACTS: dict[str, tuple[str, Tone]] = {
    "piece.created": (_("新建稿件"), "plain"),
    "piece.saved": (_("保存"), "plain"),
    "piece.reopened": (_("重新修改"), "warn"),
    "piece.trashed": (_("移入回收站"), "warn"),
    "piece.restored": (_("从回收站恢复"), "plain"),
    "piece.recalled": (_("撤回送审"), "warn"),
    "piece.relocated": (_("移动栏目"), "plain"),
    "piece.standing": (_("标注有效性"), "plain"),
    "piece.lapsed": (_("期满自动标明失效"), "warn"),
    "piece.expired": (_("已过有效期"), "warn"),
    "finding.lifted": (_("放行拦截问题"), "warn"),
    "release.submitted": (_("送审"), "info"),
    "release.voided": (_("发布件作废"), "bad"),
    "release.agreed": (_("审签同意"), "good"),
    "release.signed": (_("签发"), "good"),
    "release.returned": (_("退回"), "bad"),
    "release.proofread": (_("登记校对"), "plain"),
    "release.delegated": (_("转交审签"), "info"),
    "release.paper_filed": (_("登记线下签"), "info"),
    "release.later_opened": (_("应急发布已发出，须补签"), "warn"),
    "release.later_agreed": (_("补签同意"), "good"),
    "release.later_signed": (_("补签完成"), "good"),
    "release.later_objected": (_("补签不同意"), "bad"),
}


def chain(session: Session, release: Release, scans: bool = True) -> list[Signature]:
    """Each level of a release with who signed it, who is waited for, and in whose place.

    Without `scans` none can be opened, as behind a link that is nobody's log-in.
    """
    rows = session.scalars(select(SignedRow).where(SignedRow.release_id == release.id).order_by(SignedRow.id)).all()
    names = _names(session, [number for row in rows for number in (row.person_id, row.on_behalf_of, row.filed_by)])
    by_level = {row.level: row for row in rows}
    next_level = review.next_level(session, release)
    steps = [_step(release, level, by_level.get(level), next_level, names) for level in range(1, release.levels + 1)]
    steps += _later_steps(session, release, by_level, names)
    return steps if scans else [replace(step, scan="") for step in steps]


def _later_steps(
    session: Session, release: Release, by_level: Mapping[int, SignedRow], names: Mapping[int, str]
) -> list[Signature]:
    """What was or must still be signed after the release went out in an emergency (补签)."""
    owed = later.of_release(session, release.id)
    if owed is None:
        return []
    waits = later.level_of(session, owed)
    found = []
    for level in range(release.levels + 1, owed.levels + 1):
        row = by_level.get(level)
        if row is None:
            found.append(Signature(later.level_name(level), state="pending" if level == waits else "waiting"))
        else:
            found.append(_signed(later.level_name(level), row, names, "signed"))
    return found


def proofs(session: Session, release: Release) -> list[tuple[str, str, datetime | None]]:
    """The proof passes a release needs, those done with name and time."""
    rows = session.scalars(select(ProofPass).where(ProofPass.release_id == release.id).order_by(ProofPass.number)).all()
    names = _names(session, [row.person_id for row in rows])
    done = {row.number: row for row in rows}
    owed = later.of_release(session, release.id)
    needed = max(release.proofs, len(rows), owed.proofs if owed else 0)
    return [
        (name, names[done[number].person_id], done[number].at) if number in done else (name, "", None)
        for number, name in enumerate(PROOF_NAMES[:needed], start=1)
    ]


def lifts(session: Session, revision_id: int) -> list[tuple[Lift, str]]:
    """The findings a signer let pass, with his name."""
    query = select(Lift, Person.name).join(Person, Person.id == Lift.person_id).where(Lift.revision_id == revision_id)
    return [(lift, name) for lift, name in session.execute(query.order_by(Lift.id))]


def last_signed(session: Session, release: Release) -> Release | None:
    """The newest earlier release of the piece that had every signature."""
    query = select(Release).where(
        Release.piece_id == release.piece_id, Release.number < release.number, Release.signed_at.is_not(None)
    )
    return session.scalars(query.order_by(Release.number.desc()).limit(1)).one_or_none()


def acts(session: Session, piece: Piece, translate: Callable[[str], str]) -> list[Act]:
    """Every act on a piece and its releases, the newest first, out of the audit log, in the reader's language."""
    releases = select(Release.id).where(Release.piece_id == piece.id)
    query = select(AuditLine).where(
        or_(
            and_(AuditLine.object_kind == "piece", AuditLine.object_id == piece.id),
            and_(AuditLine.object_kind == "release", AuditLine.object_id.in_(releases)),
        ),
        AuditLine.act.in_(ACTS),
    )
    found = session.scalars(query.order_by(AuditLine.seq.desc()).limit(MOST_ACTS))
    return [_act(line, translate) for line in found]


def form_of(session: Session, release: Release, zone: ZoneInfo, now: datetime) -> ApprovalForm:
    """信息发布审核表 of a release."""
    content: Mapping[str, Any] = release.content
    piece = session.get_one(Piece, release.piece_id)
    writer = session.get_one(Person, session.get_one(Revision, release.revision_id).created_by)
    author = session.get_one(Person, piece.author_id)
    lifted = [f"{lift.message}（{name}放行：{lift.reason}）" for lift, name in lifts(session, release.revision_id)]
    targets: Sequence[Mapping[str, Any]] = content["targets"]
    origin = origin_of(session, piece, content["source_name"])
    return ApprovalForm(
        number=form_number(release, zone),
        title=content["title"],
        unit=content["unit"],
        kind=kind_of(content["kind"]).label,
        column=content["column"]["name"],
        writer=author.name if author.id == writer.id else f"{author.name}、{writer.name}",
        editor=content["editor"],
        source=content["source_name"] or (content["unit"] if origin.name == "own" else ""),
        origin=origin,
        channels=[target["name"] for target in targets],
        mode="、".join(dict.fromkeys(ACTION_LABELS.get(target["action"], target["action"]) for target in targets)),
        audience=audience_words(targets),
        window=window_words(content["window"], zone),
        openness=str(content["fields"].get("openness", "主动公开")),
        secrecy="；".join(lifted) or "自动检查未发现涉密标识",
        release_hash=release.hash,
        signatures=chain(session, release),
        proofs=proofs(session, release),
        summary=content["summary"],
        printed_at=now,
    )


def form_number(release: Release, zone: ZoneInfo) -> str:
    """The number printed on the form and typed in when its scan is filed."""
    return f"{local_time(release.submitted_at, zone)[:10].replace('-', '')}-{release.piece_id}-{release.number}"


def audience_words(targets: Sequence[Mapping[str, Any]]) -> str:
    """The audience of all targets in words."""
    narrowed = [
        f"{target['name']}：{'、'.join(audience_label(tag) for tag in _every(target['audience']))}"
        for target in targets
        if target["audience"]
    ]
    return "；".join(narrowed) or "全部读者"


def _every(audience: Mapping[str, Any]) -> list[Any]:
    return [value for values in audience.values() for value in _listed(values)]


def window_words(window: Mapping[str, str | None], zone: ZoneInfo) -> str:
    """The signed window in words."""
    earliest, latest = (
        local_time(datetime.fromisoformat(text), zone) if text else ""
        for text in (window["earliest"], window["latest"])
    )
    if earliest and latest:
        return f"{earliest} 至 {latest}"
    if earliest:
        return f"{earliest} 之后"
    return f"{latest} 之前" if latest else "签发后即可"


def urgency_words(said: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """What is signed with an emergency beside its words."""
    found = [LEVELS.get(said["level"], said["level"])]
    if said["banner_until"]:
        found.append(f"门户横幅至 {local_time(datetime.fromisoformat(said['banner_until']), zone)}")
    if said["through"]:
        found.append("停发期间照常发出")
    return found


def as_text(content: Mapping[str, Any]) -> str:
    """A release's words as lines, for comparing two of them."""
    lines = [f"标题：{content['title']}", f"摘要：{content['summary']}", plain(content["body"])]
    lines.append(kind_of(content["kind"]).plain(content["fields"]))
    for channel, variant in sorted(content["variants"].items()):
        words = variant["text"] or (plain(variant["html"]) if variant["html"] != content["body"] else "")
        lines += [f"【{channel}】{variant['title']}", variant["digest"], words]
    lines.append(f"来源：{content['source_name'] or content['unit']}　责任编辑：{content['editor']}")
    lines += [f"附件：{file['name']}（{file['sha256'][:8]}）" for file in content["attachments"]]
    lines += [f"图片：{about['alt'] or '无说明'}（{name[:8]}）" for name, about in content["pictures"].items()]
    if "emergency" in content:
        lines.append(f"应急：{'；'.join(urgency_words(content['emergency'], CHINA))}")
    for target in content["targets"]:
        lines.append(f"渠道：{target['name']} {ACTION_LABELS.get(target['action'], target['action'])}")
    return "\n".join(line for line in lines if line.strip())


def changes(before: str, after: str) -> list[Change]:
    """Two texts compared: whole lines first, then the characters of the lines that differ."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Change] = []
    for op, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[a:b]), "".join(new[c:d])
        if op == "equal":
            found.append(Change("same", was))
        elif op == "replace" and len(was) + len(now) <= LONGEST_COMPARED:
            found += _changed_words(was, now)
        else:
            found += [Change("del", was)] if was else []
            found += [Change("ins", now)] if now else []
    return found


def _changed_words(was: str, now: str) -> Iterator[Change]:
    for op, a, b, c, d in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if op == "equal":
            yield Change("same", was[a:b])
            continue
        if b > a:
            yield Change("del", was[a:b])
        if d > c:
            yield Change("ins", now[c:d])


def _step(release: Release, level: int, row: SignedRow | None, next_level: int, names: Mapping[int, str]) -> Signature:
    name = rules.level_name(level, release.levels)
    void = release.state == ReleaseState.VOID
    if row is None:
        waits = release.state == ReleaseState.OPEN and level == next_level
        return Signature(name, state="void" if void else "pending" if waits else "waiting")
    return _signed(name, row, names, "void" if void else "signed")


def _signed(name: str, row: SignedRow, names: Mapping[int, str], agreed: str) -> Signature:
    return Signature(
        level=name,
        person=names[row.person_id],
        state="returned" if row.verdict == "return" else agreed,  # type: ignore[arg-type]  # one of the two above
        at=row.at,
        opinion=row.opinion,
        instead_of=names[row.on_behalf_of] if row.on_behalf_of else "",
        paper=row.method == "paper",
        filed_by=names[row.filed_by] if row.filed_by else "",
        scan=f"/console/signing/{row.release_id}/scan/{row.id}" if row.scan else "",
    )


def _act(line: AuditLine, translate: Callable[[str], str]) -> Act:
    what, tone = ACTS[line.act]
    details: Mapping[str, Any] = json.loads(line.details)
    note = str(details.get("reason") or details.get("why") or details.get("opinion") or details.get("to") or "")
    if line.act == "piece.saved":
        note = translate("第 %(n)s 版") % {"n": details.get("revision")}
    return Act(at=line.at, who=line.actor_name, what=translate(what), note=note, tone=tone)


def _names(session: Session, ids: Sequence[int | None]) -> dict[int, str]:
    wanted = {number for number in ids if number}
    if not wanted:
        return {}
    return {row.id: row.name for row in session.scalars(select(Person).where(Person.id.in_(wanted)))}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
