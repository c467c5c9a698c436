"""What templates are given: plain values that other packages fill, so that a page never touches a database row.

Times are aware UTC datetimes (shown in the office's zone by the filter ``local_time``), dates are ``date``; HTML in a
field named ``*_html`` was cleaned by the giver; an address is a path on this site or a whole ``https`` address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlencode

Tone = Literal["info", "good", "warn", "bad", "plain"]


# --- the console ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    """One page in the left menu; ``count`` is what waits there (0 shows no figure)."""

    label: str
    href: str
    count: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True)
class NavSection:
    """One section of the left menu; a section with a single item is drawn as a plain link."""

    label: str
    items: Sequence[NavItem]
    icon: str = "dot"

    @property
    def current(self) -> bool:
        """Whether the open page belongs to this section."""
        return any(item.current for item in self.items)

    @property
    def count(self) -> int:
        """What waits in the whole section."""
        return sum(item.count for item in self.items)


@dataclass(frozen=True, slots=True)
class Flash:
    """A message shown once after an act."""

    text: str
    tone: Tone = "good"


@dataclass(frozen=True, slots=True)
class Outage:
    """An account whose platform does not answer: since when, how much waits, and what was said last."""

    account: str
    since: datetime
    waiting: int
    reason: str
    href: str


@dataclass(frozen=True, slots=True)
class Shell:
    """What every console page shows around its content; ``csrf`` is the session's token for forms and htmx."""

    person: str
    unit: str
    csrf: str
    nav: Sequence[NavSection] = ()
    path: str = "/console"
    duty: str = ""
    flashes: Sequence[Flash] = ()
    rehearsal: bool = False
    rehearsing: int = 0
    engine_stopped: datetime | None = None
    frozen: bool = False
    frozen_reason: str = ""
    outages: Sequence[Outage] = ()
    grey: bool = False
    home_href: str = "/console"
    language_href: str = "/console/language"
    logout_href: str = "/logout"
    account_href: str = "/console/me"
    search_href: str = ""
    person_id: int = 0


@dataclass(frozen=True, slots=True)
class ListState:
    """A list's filters, order and page, all of them in its address.

    ``values`` holds the filters as asked for (empty ones are left out of addresses); ``sort`` is a column key, with
    ``-`` in front for the largest first; ``size`` is rows to a page.
    """

    path: str
    values: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    page: int = 1
    size: int = 20
    total: int = 0

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """The number of this page's first row, counted from 1; 0 when the list is empty."""
        return min(self.total, (self.page - 1) * self.size + 1)

    @property
    def last(self) -> int:
        """The number of this page's last row."""
        return min(self.total, self.page * self.size)

    @property
    def filtered(self) -> bool:
        """Whether any filter narrows the list."""
        return any(self.values.values())

    def href(self, *, sort: str | None = None, page: int = 1, **changes: str) -> str:
        """The address of the same list with another order, page or filter."""
        query = {key: value for key, value in {**self.values, **changes}.items() if value}
        order = self.sort if sort is None else sort
        if order:
            query["sort"] = order
        if page > 1:
            query["page"] = str(page)
        return f"{self.path}?{urlencode(query)}" if query else self.path

    def value(self, key: str) -> str:
        """One filter as asked for, empty when it is not set."""
        return self.values.get(key, "")

    def sort_href(self, key: str) -> str:
        """The address that sorts by this column, or turns its order round."""
        return self.href(sort=f"-{key}" if self.sort == key else key)

    def order(self, key: str) -> Literal["ascending", "descending", "none"]:
        """How this column is sorted now, in the words of ``aria-sort``."""
        if self.sort.lstrip("-") != key:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"

    def page_numbers(self) -> list[int]:
        """Pages to link: the ends and the neighbours of this one; 0 stands for a gap."""
        near = {1, self.pages, self.page - 1, self.page, self.page + 1}
        shown: list[int] = []
        for page in sorted(number for number in near if 1 <= number <= self.pages):
            if shown and page - shown[-1] > 1:
                shown.append(0)
            shown.append(page)
        return shown


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; without ``sort`` it has no sort link, ``kind`` figures are set right and evenly."""

    label: str
    sort: str = ""
    kind: Literal["text", "figure", "acts"] = "text"


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what when, for a timeline; ``note`` is what the person wrote, ``place`` where it happened."""

    at: datetime
    who: str
    what: str
    note: str = ""
    tone: Tone = "plain"
    place: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """更正: which parts of a page were corrected and when; nothing of why."""

    at: datetime
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Signature:
    """One level of the review: 一审, 二审, 三审.

    ``instead_of`` names the person a deputy signs for ("B 代 A"); ``due`` is when a pending level becomes late.
    ``filed_by`` filed what was signed on paper, its scan is at ``scan``.
    """

    level: str
    person: str = ""
    state: Literal["signed", "pending", "returned", "waiting", "void"] = "waiting"
    at: datetime | None = None
    opinion: str = ""
    instead_of: str = ""
    paper: bool = False
    due: datetime | None = None
    filed_by: str = ""
    scan: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece came from: ``name`` is own, imported or outside, ``source`` what it was taken from."""

    name: str = "own"
    source: str = ""
    reposted: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalForm:
    """Everything 信息发布审核表 prints; ``proofs`` are the three proof passes as (pass, person, time)."""

    number: str
    title: str
    unit: str
    kind: str
    column: str
    writer: str
    editor: str
    source: str
    channels: Sequence[str]
    mode: str
    audience: str
    window: str
    openness: str
    secrecy: str
    release_hash: str
    signatures: Sequence[Signature]
    proofs: Sequence[tuple[str, str, datetime | None]] = ()
    summary: str = ""
    printed_at: datetime | None = None
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of a text compared with another version."""

    op: Literal["same", "ins", "del"]
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A page for something that went wrong: what happened, why, and what to do next."""

    code: int
    what: str
    why: str = ""
    next_step: str = ""
    href: str = ""
    href_label: str = ""
    reference: str = ""


# --- pieces as their readers see them ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortalLink:
    """A link with its words; ``outside`` links leave the site and ask first; ``note`` is a short line beneath."""

    label: str
    href: str
    current: bool = False
    outside: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class PortalPicture:
    """A picture with its description; ``width`` and ``height`` in pixels keep the page from jumping (0 = unknown)."""

    src: str
    alt: str
    caption: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class PortalFile:
    """An attachment to download; ``size`` in bytes."""

    name: str
    href: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class PortalSite:
    """The site and the marks inspectors look for (国办发〔2017〕47号).

    ``address`` is the origin without a closing slash (``https://www.example.gov.cn``), ``id_code`` 网站标识码,
    ``icp`` ICP备案号, ``police`` 公安备案号 with its address, ``emblem`` the picture of 党政机关网站标志,
    ``logo`` the mark beside the site's name, ``report_href`` 我为政府网站找错, ``accessible_mark`` the picture of the
    适老化 mark if the site holds one.
    ``grey`` is grey mode; ``beacon`` sends reads to this site's own counter, without a cookie.
    ``drawn`` keeps what was drawn once for this site.
    """

    name: str
    address: str
    id_code: str
    sponsor: str
    nav: Sequence[PortalLink]
    operator: str = ""
    english_name: str = ""
    phone: str = ""
    postal_address: str = ""
    email: str = ""
    icp: str = ""
    police: str = ""
    police_href: str = ""
    logo: str = ""
    emblem: str = ""
    emblem_href: str = ""
    accessible_mark: str = ""
    report_href: str = ""
    site_map_href: str = "/site-map.html"
    search_href: str = "/search"
    rss_href: str = "/rss.xml"
    home_href: str = "/"
    description: str = ""
    keywords: str = ""
    hotline: str = "12345"
    friends: Sequence[PortalLink] = ()
    notice: str = ""
    notice_href: str = ""
    grey: bool = False
    beacon: bool = True
    chat_href: str = ""
    drawn: dict[tuple[str, ...], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def domain(self) -> str:
        """The host name, for the SiteDomain tag."""
        return self.address.split("://", 1)[-1]

    def tag(self, entry: PortalEntry) -> str:
        """What feeds call a piece for ever (RFC 4151), also where it moves into another column."""
        host = self.domain.partition("/")[0].partition(":")[0]
        return f"tag:{host},{entry.published_at.year}:piece-{entry.piece}"


@dataclass(frozen=True, slots=True)
class PortalColumn:
    """A column; ``kind`` is the ColumnType tag (动态要闻, 通知公告 …), ``parents`` lead from the home page."""

    name: str
    href: str
    description: str
    keywords: str
    kind: str
    parents: Sequence[PortalLink] = ()
    children: Sequence[PortalLink] = ()
    rss_href: str = ""
    atom_href: str = ""


@dataclass(frozen=True, slots=True)
class PortalEntry:
    """One line of a list: a piece's title, address and date; ``mark`` is a short label such as 置顶 or 已废止.

    ``piece`` is its number, by which feeds name it for ever; 0 where there is none. A document has its ``size`` and the
    ``page`` that it is attached to.
    """

    title: str
    href: str
    published_at: datetime
    summary: str = ""
    summary_html: str = ""
    mark: str = ""
    number: str = ""
    source: str = ""
    picture: PortalPicture | None = None
    column: str = ""
    changed_at: datetime | None = None
    piece: int = 0
    size: int = 0
    page: PortalLink | None = None

    @property
    def as_of(self) -> datetime:
        """When what it says was last changed, or else published."""
        return self.changed_at or self.published_at


@dataclass(frozen=True, slots=True)
class PortalPage:
    """One page of a column; page 1 is the newest. ``hrefs`` are the addresses of all pages in order.

    ``archive`` are the addresses of closed years. A page whose address never changes names its neighbours only
    (``newer_href``, ``older_href``), since how many pages there are changes daily; it says its own address (``href``)
    and its number among them, counted from the oldest (``chunk``).
    """

    entries: Sequence[PortalEntry]
    number: int = 1
    hrefs: Sequence[str] = ()
    total: int = 0
    archive: Sequence[PortalLink] = ()
    newer_href: str = ""
    older_href: str = ""
    href: str = ""
    chunk: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalItem:
    """A piece at its public revision, as the portal and WeChat show it.

    ``source`` is 来源 (the outlet a repost is taken from, the office itself for an original), ``unit`` the publishing
    office, ``corrections`` say what was corrected and when, ``revision`` is the revision shown; ``captions`` is the
    WebVTT file of ``video``.
    """

    id: str
    title: str
    href: str
    column: PortalColumn
    published_at: datetime
    unit: str
    source: str
    body_html: str = ""
    author: str = ""
    editor: str = ""
    summary: str = ""
    keywords: str = ""
    picture: PortalPicture | None = None
    pictures: Sequence[PortalPicture] = ()
    video: str = ""
    captions: str = ""
    transcript_html: str = ""
    files: Sequence[PortalFile] = ()
    related: Sequence[PortalLink] = ()
    previous: PortalLink | None = None
    following: PortalLink | None = None
    updated_at: datetime | None = None
    corrections: Sequence[Correction] = ()
    revision: int = 1
    original: bool = True
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPolicy(PortalItem):
    """A policy document: 索引号, 发文字号, 成文日期, 有效性 (有效 / 废止 / 失效) and its 政策解读."""

    index_number: str
    number: str
    signed_on: date | None
    validity: str
    issuer: str
    topic: str = ""
    openness: str = "主动公开"
    validity_note: str = ""
    validity_until: date | None = None
    interpretations: Sequence[PortalLink] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalInterpretation(PortalItem):
    """An explanation of a policy, bound to the documents it explains; ``form`` is 文字解读, 图解, 视频 …

    ``questions`` are pairs of a question and its answer as cleaned HTML.
    """

    policies: Sequence[PortalLink] = ()
    form: str = "文字解读"
    questions: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """One row of the table of application documents (申请材料)."""

    name: str
    source: str = ""
    form: str = ""
    copies: int = 1
    necessity: str = "必要"
    kind: str = ""
    specification: str = ""
    blank: PortalFile | None = None
    sample: PortalFile | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the procedure (受理, 审核, 审批, 办结, 送达)."""

    name: str
    what: str = ""
    limit: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A window to go to; ``hours`` as people read them."""

    name: str
    address: str
    hours: str
    phone: str = ""
    window: str = ""
    transport: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalGuide(PortalItem):
    """A service guide with the elements of a service item; a blank element is left out of the page.

    ``facts`` are further elements as (term, text) in the order of the office's catalogue.
    """

    audience: str
    body_responsible: str
    case_type: str
    legal_basis: Sequence[str]
    conditions: Sequence[str]
    materials: Sequence[Material]
    steps: Sequence[Step]
    statutory_limit: str
    promised_limit: str
    fee: str
    places: Sequence[Place]
    consult_phone: str
    complaint_phone: str
    task_code: str = ""
    task_type: str = ""
    body_kind: str = ""
    entrusted: str = ""
    level: str = ""
    theme: str = ""
    handling: str = ""
    visits: str = ""
    visits_reason: str = ""
    online_href: str = ""
    online_depth: str = ""
    result_name: str = ""
    result_kind: str = ""
    result_sample: PortalFile | None = None
    fee_basis: str = ""
    pay_online: str = ""
    express: str = ""
    booking: str = ""
    province_wide: str = ""
    joint_bodies: str = ""
    intermediary: str = ""
    review_body: str = ""
    lawsuit_body: str = ""
    facts: Sequence[tuple[str, str]] = ()
    questions: Sequence[tuple[str, str]] = ()
    asked: Sequence[PortalLink] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalFaq(PortalItem):
    """A question and its answer (``body_html``); ``guide`` is where the whole matter is told."""

    theme: str = ""
    audience: str = ""
    guide: PortalLink | None = None
    wordings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PortalSection:
    """A section of a feature; the first may have no name."""

    label: str
    entries: Sequence[PortalEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalFeature(PortalItem):
    """A feature (专题): its banner is ``picture``, its pieces stand in sections."""

    sections: Sequence[PortalSection] = ()
    standfirst: str = ""


@dataclass(frozen=True, slots=True)
class PortalGroup:
    """Links under one heading: a theme, a department."""

    label: str
    links: Sequence[PortalLink]
    icon: str = "guide"
    href: str = ""
    total: int = 0


@dataclass(frozen=True, slots=True)
class PortalGuideIndex:
    """All guides and questions by audience (个人, 法人), theme and department."""

    column: PortalColumn
    personal: Sequence[PortalGroup]
    legal: Sequence[PortalGroup]
    departments: Sequence[PortalGroup]
    faqs: Sequence[PortalLink] = ()
    faqs_href: str = ""
    total: int = 0


@dataclass(frozen=True, slots=True)
class PortalHome:
    """What the home page shows, each list newest first."""

    lead: PortalEntry | None
    pictures: Sequence[PortalEntry]
    news: Sequence[PortalEntry]
    news_href: str
    notices: Sequence[PortalEntry]
    notices_href: str
    policies: Sequence[PortalEntry]
    policies_href: str
    interpretations: Sequence[PortalEntry]
    interpretations_href: str
    personal: Sequence[PortalLink]
    legal: Sequence[PortalLink]
    guides_href: str
    interaction: Sequence[PortalLink]
    specials: Sequence[PortalLink] = ()
    faqs: Sequence[PortalLink] = ()
    faqs_href: str = ""


@dataclass(frozen=True, slots=True)
class PortalFilter:
    """One choice by which an answer is narrowed: its name in the address, its label, the values with their words."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class PortalSearch:
    """An answered search; ``groups`` are the classes of results as links with their count in ``note``.

    An entry's ``summary_html`` has ``<mark>`` around the words that were found.
    """

    query: str
    entries: Sequence[PortalEntry]
    total: int
    groups: Sequence[PortalLink] = ()
    page: int = 1
    previous_href: str = ""
    next_href: str = ""
    suggestions: Sequence[PortalLink] = ()
    seconds: float | None = None
    filters: Sequence[PortalFilter] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PortalWithdrawn:
    """A page that was taken back (HTTP 410): its title may be shown, ``phrase`` is what the public is told."""

    title: str
    phrase: str
    withdrawn_at: datetime
    unit: str = ""


# --- other channels ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """The account an article is drawn for; ``guide_line`` is the line above the title, ``closing`` the last line.

    ``picture_message``: a gallery goes as 图片消息.
    """

    name: str
    unit: str
    guide_line: str = ""
    closing: str = ""
    portal: str = ""
    hotline: str = "12345"
    qr: PortalPicture | None = None
    credits: Sequence[tuple[str, str]] = ()
    picture_message: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """Words for a channel that takes text: Weibo (at most 140 Chinese characters with one address), push.

    `mark` says that a policy is no longer in force (已废止, 已失效); '' while it is.
    """

    title: str
    text: str
    href: str
    unit: str = ""
    topic: str = ""
    id: str = ""
    revision: int = 1
    kind: str = ""
    picture: str = ""
    urgent: bool = False
    mark: str = ""
