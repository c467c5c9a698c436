"""The soak: hundreds of citizens and dozens of agents through the real doors for minutes, and every message counted.

A training runs all the while: a question goes live every few seconds, and a supervisor has it learned. In the middle
something may be broken: the database goes away for a while, or Rasa is killed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, make_url, select

from bench.chat import FAQ_COLUMN, publish_faqs
from bench.conversations import Watch, log_in
from bench.figures import percentile
from bench.offices import BenchOffice, bench_office, ended, wait_for
from bench.rasa_peer import Rasa, rasa_of
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.states import ReplyState, Route
from bot.store import PRIVATE
from channels.rehearsal.config import Callback, RehearsalConfig, WeChatAccount
from channels.rehearsal.config import Follower as Fan
from hub.auth import tokens
from kernel.audit import AuditLine
from kernel.office_rules import set_rule
from kernel.people import Role
from tests.faults.crowd import Agent, Follower, Scene, Visitor
from tests.faults.databases import Database, SqliteFile
from tests.faults.stage import free_port, started

APPID, CODE, KEY = "wx0000000000000001", "soak", "a" * 43
LIMIT = 1.0  # Seconds, of the platform's own five.
SETTLED = 90.0
FLAT = 1.15


@dataclass(frozen=True)
class Size:
    """How many, how long, and how long a citizen thinks between two sentences; seconds."""

    citizens: int = 500
    agents: int = 50
    seconds: float = 600
    pause: float = 15

    @property
    def promotions(self) -> int:
        """So often at least another model takes over meanwhile: twenty times in ten minutes."""
        return int(self.seconds / 30)


@dataclass
class Memory:
    """What the serving process holds, sampled."""

    pid: int
    samples: list[float] = field(default_factory=list)

    def sample(self, ended_: threading.Event) -> None:
        """Looks every few seconds until told to end; megabytes."""
        page = os.sysconf("SC_PAGE_SIZE")
        while not ended_.wait(2):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text("utf-8").split()[1])
            self.samples.append(pages * page / 1024**2)

    @property
    def growth(self) -> float:
        """The median of the last third over that of the middle third: what is made once is made by then."""
        third = max(1, len(self.samples) // 3)
        return statistics.median(self.samples[-third:]) / statistics.median(self.samples[third : 2 * third])


@dataclass(frozen=True)
class Result:
    """What the soak came to."""

    portal: int
    wechat: int
    answers: int
    faults: list[str]
    seconds: list[float]
    memory: Memory
    trained: int
    # How often another model took over meanwhile, and how often it should have.
    promoted: int
    promotions: int
    again: int
    # What was broken in the middle, and how many pushes WeChat gave up meanwhile and told the citizen so.
    broken: str = ""
    given_up: int = 0

    @property
    def good(self) -> bool:
        """Nothing lost, doubled or out of order; where nothing was broken, also WeChat in time, memory flat and models
        taking over all the while."""
        kept = self.p99 <= LIMIT and self.memory.growth <= FLAT and self.promoted >= self.promotions
        return not self.faults and (bool(self.broken) or kept)

    @property
    def p99(self) -> float:
        """Of the platform's waiting for an answer."""
        return percentile(self.seconds, 0.99) if self.seconds else 0.0

    def lines(self) -> Iterator[str]:
        """As it is printed."""
        sent = f"{self.portal} messages on the portal, {self.wechat} on WeChat, {self.answers} answers of agents"
        yield f"{sent}; {self.again} calls were made again"
        if self.broken:
            yield f"broken in the middle: {self.broken}; WeChat gave up {self.given_up} pushes meanwhile and said so"
        yield f"WeChat callbacks: p50 {percentile(self.seconds, 0.5):.3f} s, p99 {self.p99:.3f} s (limit {LIMIT} s)"
        first, last = self.memory.samples[len(self.memory.samples) // 3], self.memory.samples[-1]
        grown = f"{first:.0f} to {last:.0f} MB, {self.memory.growth:.2f} times (limit {FLAT})"
        yield f"memory of the serving process: {grown}; {self.trained} questions were learned meanwhile"
        yield f"another model took over {self.promoted} times (at least {self.promotions})"
        yield from (f"FAULT {fault}" for fault in self.faults[:20])
        yield f"{len(self.faults)} lost, doubled or out of order"


@dataclass(frozen=True)
class Doors:
    """The addresses that citizens and platforms reach, and colleagues."""

    public: str
    console: str


@dataclass(frozen=True)
class Breaking:
    """Something that is broken in the middle; `behind` runs what is to be broken and gives the product's settings."""

    name: str
    act: Callable[[BenchOffice], None]
    behind: Callable[[BenchOffice], AbstractContextManager[dict[str, str]]] = lambda _office: nullcontext({})
    teaches: bool = True


def database_away(base: Database, seconds: float) -> Breaking:
    """The database answers nobody for so long."""

    def act(office: BenchOffice) -> None:
        file = make_url(office.hub.settings.database).database
        (base if base.url else SqliteFile(Path(str(file)))).away(seconds)

    return Breaking(f"the database away for {seconds:.0f} s", act)


def rasa_killed() -> Breaking:
    """Rasa dies by SIGKILL and does not come back."""
    running: list[Rasa] = []

    @contextmanager
    def behind(office: BenchOffice) -> Iterator[dict[str, str]]:
        with rasa_of(office) as rasa:
            running.append(rasa)
            yield rasa.settings

    # Rasa learns for a minute on both cores: who asks meanwhile is another measure's matter.
    return Breaking("Rasa killed", lambda _office: running[0].serving.kill(), behind, teaches=False)


def soak(folder: Path, base: Database, size: Size, breaking: Breaking | None = None) -> Result:
    """Plays it; `breaking` acts in a thread of its own in the middle."""
    platforms = free_port()
    settings = {"allowed_private": f"127.0.0.1:{platforms}"}
    database = {"database_url": base.url} if base.url else {}
    with bench_office(**database, **settings) as office, ExitStack() as stack:
        behind = breaking.behind if breaking is not None else None
        serving, doors = stack.enter_context(_running(folder, office, platforms, settings, behind))
        agents = log_in(office.hub.works, office.unit.id, Role.AGENT, size.agents)
        teacher = log_in(office.hub.works, office.unit.id, Role.SUPERVISOR, 1)[0]
        memory, over = Memory(serving.pid), threading.Event()
        lessons: list[int] = []
        threads = [threading.Thread(target=memory.sample, args=(over,))]
        if breaking is None or breaking.teaches:
            threads.append(threading.Thread(target=_teach, args=(office, doors.console, teacher, over, lessons)))
        broken = threading.Event()
        if breaking is not None:
            threads.append(threading.Thread(target=_break, args=(office, breaking, size.seconds / 3, over, broken)))
        try:
            _first_answer(doors.public)
            for thread in threads:
                thread.start()
            gc.collect()
            gc.freeze()  # The office's objects are the crowd's to look through every half minute, for half a second.
            scene, crowd = asyncio.run(_play(doors, platforms, size, agents, broken))
        finally:
            gc.unfreeze()
            over.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if breaking is not None and not broken.is_set():
            raise RuntimeError(f"{breaking.name}: it was not broken")
        _settle(office)
        promoted = _promoted(office)
        faults = [*scene.faults, *_count(office, *crowd), *_count_wechat(office, platforms, crowd[1])]
    visitors, followers, desks = crowd
    return Result(
        portal=sum(len(talk.sent) for one in visitors for talk in one.talks),
        wechat=sum(len(one.tried) for one in followers),
        answers=sum(len(texts) for one in desks for texts in one.answered.values()),
        faults=faults,
        seconds=[second for one in followers for second in one.seconds],
        memory=memory,
        trained=len(lessons),
        promoted=promoted,
        promotions=size.promotions,
        again=scene.again,
        broken=breaking.name if breaking is not None else "",
        given_up=sum(not taken for one in followers for _text, taken in one.tried),
    )


def _break(
    office: BenchOffice, breaking: Breaking, after: float, over: threading.Event, broken: threading.Event
) -> None:
    if not over.wait(after):
        broken.set()
        breaking.act(office)


@contextmanager
def _running(
    folder: Path,
    office: BenchOffice,
    platforms: int,
    settings: dict[str, str],
    behind: Callable[[BenchOffice], AbstractContextManager[dict[str, str]]] | None,
) -> Iterator[tuple[subprocess.Popen[bytes], Doors]]:
    """The platforms and the product with a bot that knows something.

    On SQLite the product is one process; on PostgreSQL it runs as it is delivered for several machines, citizens' and
    colleagues' pages each by a process of their own, and a worker. Yields the process that citizens reach.
    """
    port = free_port()
    account = WeChatAccount(
        appid=APPID, secret="s", name=CODE, original_id="gh_1", type="service",  # Invented.
        callback=Callback(
            url=f"http://127.0.0.1:{port}/callbacks/wechat/{CODE}", token="token", aes_key=KEY, mode="secure",
        ),
        followers=[Fan(openid="o")],
    )  # fmt: skip
    config = folder / "platforms.json"
    config.write_text(RehearsalConfig(wechat=[account], data=folder / "ledger").model_dump_json(), "utf-8")
    publish_faqs(office)
    office.add_account(
        "wechat",
        CODE,
        base_url=f"http://127.0.0.1:{platforms}/wechat",
        settings={"type": "service", "certified": True, "mode": "secure"},
        credentials={"appid": APPID, "secret": "s", "token": "token", "aes_key": KEY},
    )
    with office.hub.works.write() as work:
        for name, value in (("desk.opens", "00:00"), ("desk.closes", "00:00"), ("desk.every_day", True)):
            set_rule(work, name, office.unit.id, value)
    arguments = ["channels.rehearsal", "--port", str(platforms), "--config", str(config)]
    with ExitStack() as stack:
        settings = settings | (stack.enter_context(behind(office)) if behind is not None else {})
        process = stack.enter_context(ended(started(arguments, {**os.environ}, folder / "platforms.log")))
        wait_for(f"http://127.0.0.1:{platforms}/ledger", process)
        if office.hub.settings.uses_queue:
            stack.enter_context(ended(office.run("worker", "--portal", **settings)))
        settings |= {"trusted_proxies": "127.0.0.1"}
        if not office.hub.settings.uses_queue:
            serving = stack.enter_context(ended(office.serve(port, **settings)))
            yield serving, Doors(url_of(port), url_of(port))
            return
        inside = free_port()
        serving = stack.enter_context(ended(office.serve(port, face="public", **settings)))
        stack.enter_context(ended(office.serve(inside, face="console", **settings)))
        yield serving, Doors(url_of(port), url_of(inside))


def url_of(port: int) -> str:
    """A server's address on this machine."""
    return f"http://127.0.0.1:{port}"


def _first_answer(address: str) -> None:
    """Waits until the bot has learned what there is: a new installation's first seconds are not its every day."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        begun = client.post("/chat/start").raise_for_status().json()
        said = {"key": "first", "text": "居住证怎么办", "after": 1}
        proof = {"Authorization": f"Bearer {begun['token']}"}
        until = time.monotonic() + 120
        url = f"/chat/{begun['id']}"
        seen = client.post(f"{url}/messages", json=said, headers=proof).raise_for_status().json()
        while time.monotonic() < until and not any(line["number"] > 2 for line in seen["lines"]):
            time.sleep(0.5)
            seen = client.get(f"{url}/lines?after=1", headers=proof).json()
        client.post(f"{url}/end", headers=proof)


def _teach(office: BenchOffice, address: str, teacher: Watch, over: threading.Event, lessons: list[int]) -> None:
    """Publishes another question again and again and has it learned, so that a training always runs or is due."""
    with office.hub.works.write() as work:
        texts = {login: tokens.create(work, person, "soak")[1] for login, person in office.people.items()}
    with ExitStack() as stack:
        desk = stack.enter_context(httpx.Client(base_url=address, timeout=30, trust_env=False))
        people = {
            login: stack.enter_context(
                httpx.Client(
                    base_url=f"{address}/api/v1",
                    headers={"Authorization": f"Bearer {text}"},
                    timeout=30,
                    trust_env=False,
                )
            )
            for login, text in texts.items()
        }
        while not over.wait(4):
            try:
                piece = _lesson(people, office.accounts[0].id, len(lessons) + 1)
                form = {"csrf": teacher.csrf}
                desk.post("/console/knowledge/models/train", data=form, headers={"Cookie": teacher.cookie})
            except httpx.HTTPError:  # What is away in the middle comes back.
                continue
            lessons.append(piece)


def _lesson(people: Mapping[str, httpx.Client], portal: int, number: int) -> int:
    """One question, written, signed three times and booked for this moment by the office's people through the API."""

    def told(login: str, path: str, **sent: object) -> dict[str, Any]:
        return dict(people[login].post(path, json=sent).raise_for_status().json())

    words = [f"第{number}号事项怎么{act}" for act in ("办", "查", "问", "改", "退", "补", "领", "约")]
    fields = {"theme": "其他", "wordings": words}
    piece = told(
        "officer", "/pieces", column=FAQ_COLUMN, title=f"第{number}号事项", body="<p>请到窗口办理。</p>", fields=fields
    )
    at = f"/pieces/{piece['id']}/submit"
    release = told("officer", at, version=piece["version"], targets=[{"account": portal}])
    for _ in range(release["proofs"]):
        told("second", f"/releases/{release['id']}/proofs")
    for login in ("first", "second", "signer"):
        told(login, f"/releases/{release['id']}/sign", hash=release["hash"])
    told("officer", "/deliveries", pieces=[piece["id"]], account=portal, action="publish")
    return int(piece["id"])


async def _play(
    doors: Doors, platforms: int, size: Size, watches: Sequence[Watch], broken: threading.Event
) -> tuple[Scene, tuple[list[Visitor], list[Follower], list[Agent]]]:
    ends = asyncio.get_running_loop().time() + size.seconds
    questions = ("居住证怎么办", "公积金怎么提取", "医保断缴了怎么办", "新生儿怎么落户", "养犬证在哪办")
    scene = Scene(url_of(platforms), APPID, ends, size.pause, questions, broken)
    # A push that meets a connection just closed for being idle must not be made again: it may have been made.
    alone = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    secure = httpx.create_ssl_context()  # Not used, but made by each client that is not given one.
    followers_count = size.citizens // 4
    async with AsyncExitStack() as stack:

        async def client(address: str = doors.public, **more: Any) -> httpx.AsyncClient:
            # Everybody has connections of his own: a pool of hundreds looks through all of them for each call, and a
            # crowd that stands still for a second comes in at once.
            made = httpx.AsyncClient(base_url=address, timeout=20.0, trust_env=False, verify=secure, **more)
            return await stack.enter_async_context(made)

        visitors = [Visitor(number, scene, await client()) for number in range(size.citizens - followers_count)]
        followers = [Follower(number, scene, await client(limits=alone)) for number in range(followers_count)]
        agents = [
            Agent(place, scene, await client(doors.console, headers={"Cookie": one.cookie}), one.csrf)
            for place, one in enumerate(watches)
        ]
        await asyncio.gather(*(one.live() for one in (*visitors, *followers, *agents)))
    return scene, (visitors, followers, agents)


# --- counting -----------------------------------------------------------------------------------------------------


def _settle(office: BenchOffice) -> None:
    """Waits until the bot has dealt with everything and every reply has left."""
    until = time.monotonic() + SETTLED
    waiting = (ReplyState.BOOKED, ReplyState.SENDING)
    while time.monotonic() < until:
        with office.hub.works.read() as work:
            unheard = select(InboundMessage.id).where(InboundMessage.handled_at.is_(None)).limit(1)
            unsent = select(OutboundReply.id).where(OutboundReply.state.in_(waiting)).limit(1)
            if work.session.scalar(unheard) is None and work.session.scalar(unsent) is None:
                return
        time.sleep(0.5)


def _count(
    office: BenchOffice, visitors: Sequence[Visitor], followers: Sequence[Follower], agents: Sequence[Agent]
) -> Iterator[str]:
    """Everything that is not in the rows exactly once and in its place."""
    given: dict[int, list[str]] = {}
    for agent in agents:
        for conversation, texts in agent.answered.items():
            given.setdefault(conversation, []).extend(texts)
    talks = {talk.id: talk for one in visitors for talk in one.talks}
    persons: dict[str, list[str]] = {one.openid: [] for one in followers}
    with office.hub.works.read() as work:
        for row in work.session.scalars(select(Conversation).order_by(Conversation.id)):
            heard = work.session.execute(
                select(InboundMessage.id, InboundMessage.number, InboundMessage.text, InboundMessage.handled_at)
                .where(InboundMessage.conversation_id == row.id)
                .order_by(InboundMessage.number)
            ).all()
            said = work.session.scalars(
                select(OutboundReply).where(OutboundReply.conversation_id == row.id).order_by(OutboundReply.number)
            ).all()
            numbers = sorted([one.number for one in heard] + [one.number for one in said])
            if numbers != list(range(1, row.lines + 1)):
                yield f"conversation {row.id}: its lines are {numbers} of {row.lines}"
            yield from _unanswered(row, heard, said)
            if any(one.handled_at is None for one in heard):
                yield f"conversation {row.id}: a message was never dealt with"
            written = Counter(one.text for one in said if one.side == "agent" and one.text.startswith("坐席"))
            if written != Counter(given.get(row.id, [])):
                yield f"conversation {row.id}: agents said {given.get(row.id, [])}, kept is {dict(written)}"
            if row.id in talks:
                yield from _of_talk(talks[row.id].sent, talks[row.id].seen, heard, said, row.id)
            else:
                persons.setdefault(row.sender, []).extend(one.text for one in heard)
    for one in followers:
        kept = persons[one.openid]
        if not _in_order(kept, one.tried):
            yield f"{one.openid}: sent {len(one.tried)}, kept {len(kept)}, or in another order"


def _unanswered(row: Conversation, heard: Sequence[Any], said: Sequence[OutboundReply]) -> Iterator[str]:
    """What the bot should have answered: everything, as long as no person was asked for, and never with nothing."""
    if any(not one.text.strip() for one in said):
        yield f"conversation {row.id}: an answer is empty"
    answered = {one.inbound_id for one in said}
    if row.handed_off_at is None and (left := [one.number for one in heard if one.id not in answered]):
        yield f"conversation {row.id}: no answer to {left}"


def _promoted(office: BenchOffice) -> int:
    with office.hub.works.read() as work:
        query = select(func.count(AuditLine.seq)).where(AuditLine.act == "model.promoted")
        return work.session.scalar(query) or 0


def _in_order(kept: Sequence[str], tried: Sequence[tuple[str, bool]]) -> bool:
    """Whether each text that was taken is kept once and in its place; one that was given up may be or not."""
    place = 0
    for text, taken in tried:
        if kept[place : place + 1] == [text]:
            place += 1
        elif taken:
            return False
    return place == len(kept)


def _of_talk(
    sent: Sequence[str],
    seen: dict[int, tuple[str, str]],
    heard: Sequence[Any],
    said: Sequence[OutboundReply],
    number: int,
) -> Iterator[str]:
    if [one.text for one in heard] != sent:
        yield f"conversation {number}: sent {list(sent)}, kept {[one.text for one in heard]}"
    public = {one.number: ("citizen", one.text) for one in heard}
    public |= {one.number: (one.side, one.text) for one in said if one.side != PRIVATE}
    if missing := {key: line for key, line in public.items() if key <= max(seen, default=0)}.items() ^ seen.items():
        yield f"conversation {number}: its page differs from the rows at {sorted({key for key, _line in missing})}"


def _count_wechat(office: BenchOffice, platforms: int, followers: Sequence[Follower]) -> Iterator[str]:
    """What reached a telephone, against the replies that count as sent."""
    reached: dict[str, Counter[str]] = {one.openid: Counter() for one in followers}
    for kind in ("passive_reply", "custom_message"):
        since = 0
        while True:
            asked = {"kind": kind, "since": since}
            page = httpx.get(f"http://127.0.0.1:{platforms}/ledger", params=asked, timeout=60).json()
            for entry in page["entries"]:
                told = entry["data"].get("reply") or entry["data"]["content"]
                reached[entry["data"]["openid"]][told.get("Content") or told.get("content", "")] += 1
                since = entry["seq"]
            if not page["entries"]:
                break
    query = select(Conversation.sender, OutboundReply.text, OutboundReply.state).join(
        Conversation, Conversation.id == OutboundReply.conversation_id
    ).where(Conversation.channel == "wechat", OutboundReply.route.in_((Route.PASSIVE, Route.SERVICE)))  # fmt: skip
    kept: dict[str, Counter[str]] = {one.openid: Counter() for one in followers}
    perhaps: dict[str, Counter[str]] = {one.openid: Counter() for one in followers}
    with office.hub.works.read() as work:
        for sender, text, state in work.session.execute(query):
            if state in (ReplyState.DONE, ReplyState.UNKNOWN):
                (kept if state == ReplyState.DONE else perhaps)[sender][text] += 1
    for openid, texts in reached.items():
        lost = [*(kept[openid] - texts).elements()]
        more = [*(texts - kept[openid] - perhaps[openid]).elements()]
        if lost or more:
            yield f"{openid}: sent, but not on the telephone: {lost}; there, but not sent: {more}"
