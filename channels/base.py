"""What a channel is: the values that walk in and out of an adapter, and what it is given to work with.

An adapter is made for one account. It knows no database and no templates: tokens, quotas, the portal's
catalogue, pictures and rendering come in as the protocols at the end of this module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import httpx

from channels.errors import Refused, Unsupported
from channels.posting import Poster
from channels.transport import Dial
from kernel.clock import Clock

Action = Literal["publish", "mass_send", "push", "correct", "withdraw", "refresh"]
Style = Literal["page", "article", "layout", "text"]
# In an audience: the keys of earlier deliveries, for whoever has them.
REACHED = "reached"
# (name, period, number)
Quota = tuple[str, Literal["day", "month"], int]

ACTION_LABELS: dict[str, str] = {
    "publish": "发布",
    "mass_send": "群发",
    "push": "推送",
    "correct": "更正",
    "withdraw": "撤稿",
    "refresh": "刷新页面",
}


@dataclass(frozen=True)
class Relabelled:
    """有效性 that was marked after signing: as it was signed, as it is now, and the reason that was given."""

    signed: str
    now: str
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One piece under its own release, as this channel is to show it. `content` is the release's signed content.

    What is drawn again (`refresh`) says whether it is in force today, and tells in `relabelled` what changed.
    `unplaced`: its page will stand on another platform, which has given it no address yet; until then the link in its
    words is ours, and says nothing of the one they will have.
    """

    piece_id: int
    release_id: int
    content: Mapping[str, Any]
    title: str
    digest: str
    html: str
    text: str
    author: str
    url: str
    cover: str = ""
    first_published_at: datetime | None = None
    relabelled: Relabelled | None = None
    unplaced: bool = False


@dataclass(frozen=True)
class Placed:
    """Where an item shows on this account now."""

    piece_id: int
    remote_id: str
    url: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Post:
    """One message to one account: 1 to 8 items in order, the act, and the key that makes a repeat harmless.

    `key` stays the same over all attempts of one delivery. `placed` says where the items show already
    (for corrections and withdrawals). `audience` is the narrowed choice inside what was signed. `note` holds what
    a person chose (`correction`) and what earlier attempts left behind (`data` of answers and errors).
    `attempted_at` is when the attempt began whose answer was lost, given when the platform is asked. `doubtful`: since
    it was last sent, a poll or question may have gone on with it without anybody hearing so (`GoesOn`). `look_only`:
    nothing may be sent now, so that a question which is asked by sending again raises `WouldSend`.
    """

    key: str
    action: Action
    items: Sequence[Item]
    audience: Mapping[str, Any] = field(default_factory=dict)
    placed: Mapping[int, Placed] = field(default_factory=dict)
    phrase: str = ""
    attempt: int = 1
    first_attempt_at: datetime | None = None
    attempted_at: datetime | None = None
    doubtful: bool = False
    look_only: bool = False
    note: Mapping[str, Any] = field(default_factory=dict)


def audience_label(value: object) -> str:
    """One value of an audience as people read it: its name where it has one."""
    return str(value["name"]) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True)
class Shown:
    """An item that now shows: its id and address on the platform."""

    remote_id: str
    url: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Live:
    """The act is done; `shown` by piece id. `remark` is something a person should know (a picture left out)."""

    shown: Mapping[int, Shown] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Accepted:
    """The platform took the job; its result comes by callback or poll. `waiting` says for whom in plain words.

    `moving`: the act itself goes on from poll to poll, and is not late while it does. `held_up`: it goes on by itself,
    but hardly anybody has got it so far, because the platform does not take it: that is late like what is not out.
    """

    job_id: str
    poll_after: timedelta = timedelta(seconds=5)
    waiting: str = ""
    expires_after: timedelta | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    moving: bool = False
    held_up: bool = False


@dataclass(frozen=True)
class NotThere:
    """Asked about a lost answer, the platform does not have it: it may be sent again."""


@dataclass(frozen=True)
class CannotTell:
    """The platform cannot say whether it has it; a person must look."""

    reason: str


@dataclass(frozen=True)
class Uncorrectable:
    """The channel cannot change what it shows: a person must do it by hand (`by_hand`), or nobody can."""

    reason: str
    by_hand: bool = False


@dataclass(frozen=True)
class ByHand:
    """The channel never publishes by itself: a person is to do it, with the prepared text, and to paste the link."""

    reason: str


Result = Live | Accepted | ByHand
Settlement = Live | Accepted | NotThere | CannotTell


@dataclass(frozen=True)
class Problem:
    """Something that will not fit, told before booking; `field` names what to change."""

    field: str
    message: str
    blocking: bool = True


@dataclass(frozen=True)
class Reading:
    """Figures of one placement as the platform counts them, summed since publication.

    Names where the platform has them: reads, readers, shares, likes, recommends, favourites, comments, sent, delivered.
    """

    piece_id: int
    figures: Mapping[str, int]
    at: datetime


@dataclass(frozen=True)
class Pushed:
    """A request that came to an account's callback address: method, query, and the body as it came."""

    method: str
    query: Mapping[str, str]
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stamp:
    """What a push says of itself: when it was signed (seconds since 1970), with which mark, and whether the mark covers
    the body. The caller refuses what is old, and the same mark over another body."""

    at: str
    mark: str
    covers_body: bool = False


# In the media of words that were not written to the account but name it in public (@), and may be answered once.
MENTION = "mention"


@dataclass(frozen=True)
class Message:
    """What a citizen did on this account: words (`text`, `image`, `voice`, …) or a touch (`click`, `scan`, `view`, …).

    `key` is the same when the platform repeats the push. `to` is the account's own name at the platform.
    `media` has `MENTION` where the account was only named.
    `sealed`: it came encrypted, and so must the answer.
    """

    key: str
    sender: str
    kind: str
    text: str
    at: datetime
    media: Mapping[str, str] = field(default_factory=dict)
    to: str = ""
    sealed: bool = False


@dataclass(frozen=True)
class JobResult:
    """The platform's word on a job it accepted earlier; `shown` are its items in order when it is `done`.

    `data` is what else it told that belongs to each of them.
    """

    job_id: str
    done: bool
    shown: Sequence[Shown] = ()
    reason: str = ""
    code: str = ""
    remark: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Follower:
    """Somebody followed or left the account; `scene` says where from."""

    key: str
    sender: str
    joined: bool
    at: datetime
    scene: str = ""
    to: str = ""
    sealed: bool = False


@dataclass(frozen=True)
class Consent:
    """What a citizen decided about notices of one form: he agreed, or refused, at once or afterwards."""

    key: str
    sender: str
    template_id: str
    agreed: bool
    at: datetime


Inbound = Message | JobResult | Follower | Consent


@dataclass(frozen=True)
class Reply:
    """What goes back to a citizen: words; with `url` a card of title, words and picture; or a picture by SHA-256."""

    text: str = ""
    title: str = ""
    url: str = ""
    picture_url: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Limits:
    """What a channel can show and do; told to people beforehand.

    Lengths are in characters, `quotas` are (name, period, number); `can` are the actions beyond publishing.
    `updates` are the actions that inspections count as an update of the account; `by_column`: they look at its columns.
    `corrections` are the ways a person may choose from where the channel has no correction of its own;
    `reply_bytes` is the longest answer to a citizen; `certified`: its platform certifies accounts until a day (认证).
    """

    style: Style
    title: int = 300
    digest: int = 500
    text: int | None = None
    body_characters: int | None = None
    items: int = 1
    needs_cover: bool = False
    actions: tuple[Action, ...] = ("publish",)
    default_action: Action = "publish"
    can: frozenset[Action] = frozenset()
    updates: tuple[Action, ...] = ("publish", "mass_send")
    by_column: bool = False
    quotas: tuple[Quota, ...] = ()
    notes: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    reply_bytes: int | None = None
    certified: bool = False


@dataclass(frozen=True)
class Setting:
    """One field of an account's form; a blank one leaves the adapter's own default.

    `secret` ones are credentials: the account's own person enters them, they are sealed and never shown again.
    `lines` is a list with one value a line. `least` and `most` bound a number (`whole`: without a fraction) and the
    length of a text; `pattern` is what a text must be, as `help` says in words. Those of one `group` are folded up.
    A `picture` is uploaded with the form and kept by its address. One that is `expected` may be left out, but the
    account's page says that it is missing.
    """

    name: str
    label: str
    kind: Literal["text", "number", "flag", "choice", "lines", "picture"] = "text"
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    secret: bool = False
    least: float = 0
    most: float | None = None
    whole: bool = False
    default: Any = None
    pattern: str = ""
    group: str = ""
    expected: bool = False


@dataclass(frozen=True)
class AccountInfo:
    """The account as an adapter sees it; `credentials` are open here and must never be logged.

    `proxy` is already in the HTTP client that its adapter is given; `rehearsal`: a double on the rehearsal platforms.
    """

    id: int
    name: str
    channel: str
    base_url: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False)
    unit_name: str = ""
    proxy: str = field(default="", repr=False)
    rehearsal: bool = False


class TokenStore(Protocol):
    """One shared token per account: whoever needs one gets the same, and one process at a time fetches."""

    def get(self, account_id: int, fetch: Callable[[], tuple[str, int]], stale: str = "") -> str:
        """The token; `fetch` returns (token, seconds it lives). `stale` is one the platform just refused."""


class QuotaLedger(Protocol):
    """Counts limited calls per account and period."""

    def left(self, account_id: int, quota: str, period: str, limit: int, besides: Sequence[str] = ()) -> int:
        """How many are left in the period; `besides` are counters that use the same limit."""

    def take(self, account_id: int, quota: str, period: str, limit: int) -> bool:
        """Takes one; False when none was left."""

    def count(self, account_id: int, quota: str, period: str) -> None:
        """One more happened, whatever the limit says."""

    def use_up(self, account_id: int, quota: str, period: str) -> None:
        """The platform said that nothing is left in the period."""


@dataclass(frozen=True)
class Entry:
    """A piece as a list on the portal shows it."""

    piece_id: int
    title: str
    path: str
    summary: str
    published_at: datetime
    picture: str = ""
    place: int = 0
    picture_alt: str = ""
    number: str = ""
    mark: str = ""
    expired: bool = False
    changed_at: datetime | None = None

    @property
    def as_of(self) -> datetime:
        """When what it says was last changed, or else published."""
        return self.changed_at or self.published_at


@dataclass(frozen=True)
class Former:
    """Where a piece stood before it was moved: its address, that column's own, its place there."""

    path: str
    column: str
    place: int


@dataclass(frozen=True)
class ShelfInfo:
    """A list across a column: `facet` is its sort (for whom, by whom), `place` one piece's place where one is asked."""

    id: int
    facet: str
    label: str
    places: int
    place: int = 0
    column: str = ""


class Catalogue(Protocol):
    """What the portal needs to know of other pieces, since an adapter knows no content."""

    def reserve(self, item: Item) -> int:
        """The item's place in its column, given once."""

    def reserve_all(self, items: Sequence[Item]) -> Sequence[int]:
        """The place of each of these items."""

    def about(self, piece_ids: Sequence[int]) -> Catalogue:
        """The same catalogue with what there is to know of these pieces as it is now, asked for at once."""

    def column(self, slug: str) -> Mapping[str, Any]:
        """The column's names and how many places it has given out (`places`)."""

    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All columns in the portal's order."""

    def page(self, slug: str, first: int, last: int) -> Sequence[Entry]:
        """The column's pieces with these places, newest first."""

    def view(self, item: Item, published_at: datetime, **more: Any) -> Any:
        """The item as templates show it (templates.views.PortalItem); `shows` tells which addresses may be linked."""

    def linked(self, piece_id: int) -> Sequence[int]:
        """The public pieces that this one names or that name it: their pages show its title and address."""

    def shown(self, piece_id: int, account_id: int) -> tuple[Item, Placed] | None:
        """A piece as it shows on an account now, to draw its page again; its data hold its `place` in its column."""

    def changes(self, item: Item, account_id: int) -> Sequence[str]:
        """Which parts of the piece read otherwise in this item than on the account now, in words for everybody."""

    def elements(self, slug: str) -> Sequence[tuple[str, str]]:
        """The fields of a column's kind that are open data, as (name, label); none for most kinds."""

    def element_values(self, piece_ids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
        """Those fields of these pieces, each by its name as text, as the public sees them."""

    def formers(self, piece_id: int) -> Sequence[Former]:
        """Where a piece stood before it was moved; those addresses lead to where it is now."""

    def shelves(self, slug: str) -> Sequence[ShelfInfo]:
        """The shelves of a column."""

    def shelves_of(self, piece_id: int) -> Sequence[ShelfInfo]:
        """The shelves that a piece stands on, or stood on, with its place there."""

    def shelf(self, shelf_id: int, first: int, last: int) -> Sequence[Entry]:
        """The pieces with these places on a shelf, newest first."""


@dataclass(frozen=True)
class Subscription:
    """One browser that asked for pushes: the push service's address and the browser's keys (base64url)."""

    id: int
    endpoint: str
    p256dh: str
    auth: str
    origin: str = ""


@dataclass(frozen=True)
class Called:
    """What became of one browser: `sent`, `gone`, `refused`, `waiting` until an hour, or `unknown`.

    `code` is the push service's own, or `keys` and `address` for what never left; `unwelcome` refuses our signature.
    """

    state: Literal["sent", "gone", "refused", "waiting", "unknown"]
    code: str = ""
    until: datetime | None = None
    unwelcome: bool = False


class Walk(Protocol):
    """The browsers of one delivery that are still to be called, by push service."""

    @property
    def origins(self) -> Sequence[str]:
        """The push services that may have somebody left and do not rest; those that have taken most so far first."""

    @property
    def proven(self) -> Collection[str]:
        """The push services that have taken many notices by now, and have not failed since."""

    @property
    def failing(self) -> Collection[str]:
        """The push services that had to rest and have taken nothing since."""

    @property
    def stopped(self) -> bool:
        """Whether a person has stopped the delivery since: nobody is given any more, though some are left."""

    def step(self, done: Mapping[int, Called], room: Mapping[str, int]) -> Sequence[Subscription]:
        """Writes what became of those called, by id, and claims the next, at most `room` per service, in one work.

        Whoever was claimed is never given again, except one that was `waiting`, once its hour has come. One that is
        gone loses its subscription too.
        """

    def remember(self, taken: Mapping[str, int], rests: Mapping[str, datetime | None]) -> None:
        """Notes how many notices each push service took, and which are to rest: until an hour that they named, or
        (None) for a while that grows with each failure."""

    def held_back(self) -> int:
        """How many were never called and stand with a push service that rests."""


class Subscriptions(Protocol):
    """Who is to get a push and who has it; one row per delivery and browser, so that a repeat reaches nobody twice."""

    def walk(self, account_id: int, key: str, audience: Mapping[str, Sequence[str]]) -> Walk:
        """Goes on with the delivery `key`; its audience is the one it began with.

        Under `REACHED` it names earlier deliveries, whose readers are meant whatever they have chosen since.
        """

    def counts(self, key: str) -> Mapping[str, int]:
        """How many are `sent`, `gone`, `refused`, `waiting`, and `unknown` (claimed, never recorded)."""


class Files(Protocol):
    """Pictures and attachments by SHA-256."""

    def get(self, sha256: str) -> bytes:
        """The bytes; raises FileNotFoundError."""


class Render(Protocol):
    """A template by name, as text."""

    def __call__(self, name: str, /, **context: Any) -> str:
        """Renders it in the office's default language."""


@dataclass(frozen=True)
class Tools:
    """Everything an adapter works with."""

    clock: Clock
    http: httpx.Client
    tokens: TokenStore
    quotas: QuotaLedger
    files: Files
    catalogue: Catalogue
    render: Render
    site_folder: Any = None
    public_url: str = ""
    subscriptions: Subscriptions | None = None
    poster: Poster | None = None
    dial: Dial | None = None


class Channel(ABC):
    """An adapter for one account of one platform. Methods that touch the network are called outside any transaction.

    `publish` and its kin raise the errors of `channels.errors`; anything else they raise counts as an
    answer that was lost.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    limits: ClassVar[Limits]
    settings: ClassVar[tuple[Setting, ...]] = ()
    # The templates that a package of its own brings (`default.txt`, `<kind>.html`); ours lie in templates/outbound.
    outbound: ClassVar[Path | None] = None

    def __init__(self, account: AccountInfo, tools: Tools) -> None:
        self.account = account
        self.tools = tools

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """发布前检查: what would not fit, told at booking; needs no network and no credentials."""
        return check_lengths(cls.limits, post)

    @classmethod
    def quotas(cls, settings: Mapping[str, Any]) -> tuple[Quota, ...]:
        """What limits an account with these settings."""
        return cls.limits.quotas

    @classmethod
    def able(cls, settings: Mapping[str, Any]) -> frozenset[Action]:
        """What an account with these settings can do beyond publishing."""
        return cls.limits.can

    @abstractmethod
    def publish(self, post: Post) -> Result:
        """Sends the post by its action `publish`, `mass_send` or `push`."""

    def reconcile(self, post: Post) -> Settlement | Uncorrectable | ByHand:
        """After a lost answer: asks the platform whether it has the post. By default it cannot tell.

        A channel that never sends anything by itself has nothing to ask about: it answers as it would have then.
        """
        return CannotTell("该平台没有可供核实的接口")

    def poll(self, post: Post, job_id: str) -> Settlement:
        """Asks for the result of an accepted job; returns Accepted again while it is not decided."""
        raise Unsupported("该平台不提供结果查询")

    def correct(self, post: Post) -> Result | Uncorrectable:
        """Shows the new revision where the old one shows."""
        return Uncorrectable("该渠道不能修改已发布的内容")

    def withdraw(self, post: Post) -> Result | Uncorrectable:
        """Takes the items back."""
        return Uncorrectable("该渠道不能撤回已发布的内容")

    def read(self, placed: Sequence[Placed]) -> list[Reading]:
        """The platform's figures for these placements."""
        return []

    def health(self) -> str | None:
        """A cheap call that proves the credentials; '' or what is wrong in plain words, None where none can prove them.

        Raises Unauthorised when it is the credentials that are refused, and only then. '' counts as the platform's own
        answer: it makes an account green and its credentials alive again.
        """
        return None

    def settle(self, post: Post, result: JobResult) -> Live:
        """What a job's result means for its post; pure. Raises Refused when the platform says that it failed."""
        if not result.done:
            raise Refused(result.reason, code=result.code)
        shown = {item.piece_id: one for item, one in zip(post.items, result.shown, strict=False)}
        return Live(shown, result.remark)

    def greet(self, request: Pushed) -> bytes:
        """Answers the platform's check of our callback address; raises BadSignature. Pure."""
        raise Unsupported("该渠道不接收消息")

    def stamp(self, request: Pushed) -> Stamp:
        """When and how the push was signed; by default in the query, as WeChat and Weibo do. Pure."""
        query = request.query
        mark = "\n".join((query.get("signature", ""), query.get("timestamp", ""), query.get("nonce", "")))
        return Stamp(query.get("timestamp", ""), mark, query.get("encrypt_type") == "aes")

    def read_inbound(self, request: Pushed) -> list[Inbound]:
        """Verifies and parses what the platform pushed; raises BadSignature or BadPush. Pure.

        Whether the timestamp is fresh and the nonce new is for the caller to say, who remembers.
        """
        raise Unsupported("该渠道不接收消息")

    def answer(self, inbound: Message | Follower, reply: Reply | None) -> bytes:
        """The body that answers the push itself; without a reply the one that means "nothing to say". Pure."""
        raise Unsupported("该渠道不能回复消息")

    def reply(self, to: str, reply: Reply) -> None:
        """Sends a message to one citizen, at most once: a lost answer raises OutcomeUnknown and is not repeated."""
        raise Unsupported("该渠道不能主动回复")


def check_lengths(limits: Limits, post: Post) -> list[Problem]:
    """The limits every channel has: titles, digests, texts, number of items."""
    problems = []
    if len(post.items) > limits.items:
        problems.append(Problem("items", f"每次最多 {limits.items} 条，现有 {len(post.items)} 条。"))
    if post.action not in (*limits.actions, *limits.can):
        problems.append(Problem("action", f"该渠道不支持“{ACTION_LABELS[post.action]}”。"))
    for item in post.items:
        problems += _item_lengths(limits, item)
        # A page is drawn from the signed elements; everything else shows what stands in the item.
        if post.action != "withdraw" and limits.style != "page" and not (item.html.strip() or item.text.strip()):
            problems.append(Problem("body", f"《{item.title[:20]}》的正文为空：读者只会看到标题，请先写正文。"))
    return problems


def _item_lengths(limits: Limits, item: Item) -> list[Problem]:
    checks: list[tuple[str, str, str, int | None]] = [
        ("title", "标题", item.title, limits.title),
        ("digest", "摘要", item.digest, limits.digest),
        ("text", "文字", item.text, limits.text),
        ("body", "正文", item.html, limits.body_characters),
    ]
    problems = [
        Problem(name, f"《{item.title[:20]}》的{label}共 {len(value)} 字，超过该渠道上限 {limit} 字。")
        for name, label, value, limit in checks
        if limit is not None and len(value) > limit
    ]
    if limits.needs_cover and not item.cover:
        problems.append(Problem("cover", f"《{item.title[:20]}》没有封面图片，该渠道必须有封面。"))
    return problems
