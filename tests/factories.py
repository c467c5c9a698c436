"""An office to test with: units, people with roles, columns, accounts, pieces, releases signed by the right people.

office = make_office(works, blobs, engine)
release = office.signed_release(title="…")
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from PIL import Image

from channels.accounts.models import Account
from content import attachments, compose, release, review
from content.compose import Draft, VariantDraft
from content.models import Asset, Column, Piece, Release, Revision
from content.pictures import normalise
from content.snapshot import Style, Target, Window
from kernel.blobs import Blobs
from kernel.people import Deputy, Grant, Person, Role, Unit, Viewer, add_unit, viewer
from kernel.work import SYSTEM, Actor, Work, Works
from templates.engine import Engine

PORTAL = "https://www.yunzhou.example"
OWN_HOSTS = frozenset({"www.yunzhou.example"})
STYLES: dict[str, Style] = {"portal": "page", "wechat": "layout"}
BODY = "<p>因近期气温偏低，市区供热结束时间延长至4月7日。</p>"
TITLE = "关于调整市区供热结束时间的通知"


@dataclass
class Office:
    """One city: `city` above `bureau` (which has a `branch` below it) and its sibling `other`.

    In `bureau`: two officers, two reviewers, a signer, a deputy without roles of his own, and one administrator of
    each kind; in `other` an officer and a signer who must see nothing of it.
    """

    works: Works
    blobs: Blobs
    engine: Engine
    city: Unit
    bureau: Unit
    branch: Unit
    other: Unit
    people: dict[str, Person]
    columns: dict[str, Column] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def person(self, name: str) -> Person:
        """A person of the office by login."""
        return self.people[name]

    def actor(self, name: str) -> Actor:
        """In whose name a work is written."""
        person = self.people[name]
        return Actor(person.name, person.id, person.unit_id, "127.0.0.1")

    @contextmanager
    def working(self, name: str) -> Iterator[tuple[Work, Viewer]]:
        """A writing work by a person, with what he may do."""
        with self.works.write(self.actor(name)) as work:
            yield work, viewer(work.session, self.people[name], work.now)

    def who(self, name: str) -> Viewer:
        """What a person may do now."""
        with self.works.read() as work:
            return viewer(work.session, self.people[name], work.now)

    def piece(self, by: str = "author", column: str = "notices", kind: str = "", **words: Any) -> Piece:
        """A written draft, of the column's kind unless another is named."""
        with self.working(by) as (work, who):
            chosen = work.session.get_one(Column, self.columns[column].id)
            return compose.create(work, who, chosen, kind, draft(**words))

    def save(self, piece_id: int, by: str = "author", **words: Any) -> Revision:
        """Saves other words over the newest version."""
        with self.working(by) as (work, who):
            piece = work.session.get_one(Piece, piece_id)
            return compose.save(work, who, piece, draft(**words), piece.version)

    def picture(
        self, piece_id: int, by: str = "author", alt: str = "供热站", color: str = "navy", **more: Any
    ) -> Asset:
        """A picture kept with a piece."""
        with self.working(by) as (work, who):
            piece = work.session.get_one(Piece, piece_id)
            kept = normalise(picture_bytes(color), "供热站.png")
            return compose.add_picture(work, who, piece, self.blobs, "供热站.png", kept, alt, **more)

    def attachment(self, piece_id: int, by: str = "author", name: str = "附件.txt", data: bytes = b"text") -> Asset:
        """A document kept with a piece."""
        with self.working(by) as (work, who):
            piece = work.session.get_one(Piece, piece_id)
            return compose.add_attachment(work, who, piece, self.blobs, attachments.read(name, data))

    def targets(self, *names: str) -> list[Target]:
        """The accounts of these names as targets with their own action."""
        return [target_of(self.accounts[name]) for name in names or ("portal",)]

    def submit(
        self,
        piece_id: int,
        *accounts: str,
        by: str = "author",
        window: Window | None = None,
        targets: Sequence[Target] | None = None,
        **more: Any,
    ) -> Release:
        """Submits a piece to these accounts."""
        with self.working(by) as (work, who):
            return release.submit(
                work,
                who,
                work.session.get_one(Piece, piece_id),
                self.targets(*accounts) if targets is None else targets,
                window or Window(),
                engine=self.engine,
                portal=PORTAL,
                own_hosts=OWN_HOSTS,
                **more,
            )

    def proofread(self, release_id: int, times: int = 3, by: str = "reviewer") -> None:
        """Records proof passes."""
        for _ in range(times):
            with self.working(by) as (work, who):
                review.record_proof(work, who, work.session.get_one(Release, release_id))

    def sign(self, release_id: int, by: str, **more: Any) -> None:
        """Signs the waiting level after reading what is there now."""
        with self.working(by) as (work, who):
            waiting = work.session.get_one(Release, release_id)
            review.sign(work, who, waiting, waiting.hash, **more)

    def sign_off(self, release_id: int) -> Release:
        """Three proof passes and all levels, each by another person."""
        with self.works.read() as work:
            waiting = work.session.get_one(Release, release_id)
            levels, proofs = waiting.levels, waiting.proofs
        self.proofread(release_id, proofs)
        signers = ["reviewer", "second_reviewer"][: levels - 1]
        for name in [*signers, "signer"]:
            self.sign(release_id, name)
        with self.works.read() as work:
            return work.session.get_one(Release, release_id)

    def signed_release(self, *accounts: str, column: str = "notices", **words: Any) -> Release:
        """A release with every signature."""
        return self.sign_off(self.submit(self.piece(column=column, **words).id, *accounts).id)

    def grant(self, name: str, role: Role, unit: Unit | None = None, *, below: bool = False) -> None:
        """Gives a person a role."""
        with self.works.write() as work:
            unit_id = (unit or self.bureau).id
            work.session.add(Grant(person_id=self.people[name].id, role=role, unit_id=unit_id, below=below))

    def depute(self, principal: str, deputy: str, hours: float = 24) -> None:
        """委托审签 from now on."""
        with self.works.write() as work:
            ends = work.now + timedelta(hours=hours)
            ids = {"person_id": self.people[principal].id, "deputy_id": self.people[deputy].id}
            work.session.add(Deputy(starts_at=work.now, ends_at=ends, **ids))


def make_office(works: Works, blobs: Blobs, engine: Engine | None = None) -> Office:
    """The office in a fresh database."""
    with works.write(SYSTEM) as work:
        session = work.session
        city = add_unit(session, "云州市人民政府", "city")
        bureau = add_unit(session, "云州市住房和城乡建设局", "bureau", city)
        branch = add_unit(session, "云州市供热管理中心", "branch", bureau)
        other = add_unit(session, "云州市水务局", "other", city)
        people = {
            "author": _person(work, bureau, "author", "王文", Role.OFFICER),
            "officer": _person(work, bureau, "officer", "陈信", Role.OFFICER),
            "reviewer": _person(work, bureau, "reviewer", "李审", Role.REVIEWER),
            "second_reviewer": _person(work, bureau, "second_reviewer", "周核", Role.REVIEWER),
            "signer": _person(work, bureau, "signer", "赵签", Role.SIGNER),
            "deputy": _person(work, bureau, "deputy", "钱代"),
            "manager": _person(work, bureau, "manager", "吴管", Role.MANAGER),
            "system_admin": _person(work, city, "system_admin", "孙系", Role.SYSTEM_ADMIN, below=True),
            "security_admin": _person(work, city, "security_admin", "郑安", Role.SECURITY_ADMIN, below=True),
            "auditor": _person(work, city, "auditor", "冯审", Role.AUDITOR, below=True),
            "stranger": _person(work, other, "stranger", "何外", Role.OFFICER),
            "foreign_signer": _person(work, other, "foreign_signer", "吕外", Role.SIGNER),
        }
        columns = {
            "notices": Column(unit_id=bureau.id, slug="notices", name="通知公告", kind="notice", freshness_days=180),
            "news": Column(unit_id=bureau.id, slug="news", name="工作动态", kind="news", freshness_days=14),
            "policies": Column(unit_id=bureau.id, slug="policies", name="政策文件", kind="policy"),
            "explained": Column(unit_id=bureau.id, slug="explained", name="政策解读", kind="interpretation"),
            "guides": Column(unit_id=bureau.id, slug="guides", name="办事指南", kind="guide"),
            "water": Column(unit_id=other.id, slug="water", name="水务公告", kind="notice"),
        }
        accounts = {
            "portal": _account(city, "portal", "云州市人民政府门户网站", "publish"),
            "wechat": _account(bureau, "wechat", "云州住建", "mass_send"),
            "weibo": _account(bureau, "weibo", "云州住建发布", "publish"),
            "jpush": _account(bureau, "jpush", "云州政务", "push"),
            "water": Account(unit_id=other.id, channel="weibo", name="云州水务", code="water-weibo", action="publish"),
        }
        session.add_all([*columns.values(), *accounts.values()])
        session.flush()
    return Office(works, blobs, engine or Engine(), city, bureau, branch, other, people, columns, accounts)


def draft(**words: Any) -> Draft:
    """An ordinary notice unless told otherwise; `variants` are VariantDraft by channel."""
    variants: dict[str, VariantDraft] = words.pop("variants", {})
    return Draft(**{"title": TITLE, "body": BODY, "editor": "陈信", "variants": variants, **words})


def target_of(account: Account, **audience: Any) -> Target:
    """An account as a target with its own action."""
    style = STYLES.get(account.channel, "text")
    return Target(account.id, account.name, account.channel, style, account.action, audience)


def picture_bytes(color: str = "navy", size: tuple[int, int] = (64, 48), kind: str = "PNG", **options: Any) -> bytes:
    """A small picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind, **options)
    return buffer.getvalue()


def pdf_bytes(*lines: str) -> bytes:
    """A PDF of one page with these lines of text, Chinese too; without any, as a scan is."""
    letters = sorted(set("".join(lines)))
    pairs = "".join(f"<{number:04x}><{ord(letter):04x}>\n" for number, letter in enumerate(letters))
    cmap = f"1 begincodespacerange<0000><ffff>endcodespacerange {len(letters)} beginbfchar\n{pairs}endbfchar"
    shown = [
        f"1 0 0 1 50 {750 - 20 * n} Tm <{''.join(f'{letters.index(one):04x}' for one in line)}> Tj"
        for n, line in enumerate(lines)
    ]
    drawn = f"BT /F1 12 Tf {' '.join(shown)} ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(drawn)}>>stream\n{drawn}\nendstream",
        "<</Type/Font/Subtype/Type0/BaseFont/F/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/F"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>",
        f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
    ]
    text, places = "%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    tail = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(text)}\n%%EOF"
    return f"{text}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{tail}".encode("ascii")


def _person(work: Work, unit: Unit, login: str, name: str, role: Role | None = None, *, below: bool = False) -> Person:
    person = Person(unit_id=unit.id, name=name, login=login, language="zh", active=True)
    work.session.add(person)
    work.session.flush()
    if role is not None:
        work.session.add(Grant(person_id=person.id, role=role, unit_id=unit.id, below=below))
    return person


def _account(unit: Unit, channel: str, name: str, action: str) -> Account:
    return Account(unit_id=unit.id, channel=channel, name=name, code=f"{unit.code}-{channel}", action=action)
