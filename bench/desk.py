"""How soon the desk's pages come with a year of conversations behind them, and how many streams one process holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from bench.callers import Call
from bench.chat import sessions
from bench.conversations import LINES, Watch, copy_year, log_in
from bench.dispatch import workers
from bench.figures import Figure, measure, percentile
from bench.offices import BenchOffice, bench_office, ended
from bench.paced import Client, ask
from bench.streams import hold, room_for
from hub.drill.stage import free_port
from kernel.people import Role
from tests.postgres import server

MESSAGES, PEOPLE, EVERY, SECONDS = 1_000_000, 50, 2.0, 60.0
STREAMS, HELD = 2000, 20.0
# As many web processes as `deploy/` hands out for PostgreSQL.
WEB = 2
LIMIT = "limit 300 ms"

Paths = Callable[[int, Sequence[int]], Sequence[str]]


@measure("desk.list")
def lists() -> Iterator[Figure]:
    """Fifty agents: the desk, its lists again and again, a conversation with its whole history."""
    with a_year(MESSAGES) as (office, agents, going_on):
        yield from measured("desk.list", office, agents, lambda place: of_agent(place, going_on), SECONDS)


@measure("desk.records")
def records() -> Iterator[Figure]:
    """Fifty agents who look for conversations: the newest, a page far back, by a word, rated low, of the whole year."""
    with a_year(MESSAGES) as (office, agents, _going_on):
        yield from measured("desk.records", office, agents, of_seeker, SECONDS)


@measure("desk.report")
def reports() -> Iterator[Figure]:
    """Fifty supervisors: the response times of each period, and the conversations behind them."""
    with a_year(MESSAGES) as (office, _agents, _going_on):
        supervisors = log_in(office.hub.works, office.unit.id, Role.SUPERVISOR, PEOPLE)
        yield from measured("desk.report", office, supervisors, of_supervisor, SECONDS)


@measure("desk.sse")
def streams() -> Iterator[Figure]:
    """2,000 desks open at once in one process, held for a while; then a citizen asks for a person."""
    yield from held(STREAMS, HELD)


def held(count: int, seconds: float) -> Iterator[Figure]:
    """The figures of so many streams, held for so long."""
    room_for(count)
    with bench_office() as office:
        office.add_accounts("portal", 1)
        agents, port = log_in(office.hub.works, office.unit.id, Role.AGENT, PEOPLE), free_port()
        with ended(office.serve(port)):
            talk = sessions(port, 1, 1, 1)[0]
            words: dict[str, object] = {"key": "k", "text": "转人工", "after": 1}
            change = Call(f"/chat/{talk.id}/messages", words, {"authorization": f"Bearer {talk.token}"})
            cookies = [agents[place % PEOPLE].cookie for place in range(count)]
            found = hold(port, "/console/desk/events", cookies, seconds, change)
    told = len(found.times)
    against = f"{count} opened, held {seconds:.0f} s"
    yield Figure("desk.sse.held", told, "streams", against, round(told / count, 3))
    if found.times:
        yield Figure("desk.sse.last", round(max(found.times), 3), "s", "limit 1 s, the last stream told")


@contextmanager
def a_year(messages: int) -> Iterator[tuple[BenchOffice, list[Watch], list[int]]]:
    """An office on PostgreSQL with so many messages, its agents, and the conversations that are going on."""
    with server(durable=True) as url, bench_office(database_url=url) as office:
        office.add_accounts("portal", 1)
        works, unit, account = office.hub.works, office.unit.id, office.accounts[0].id
        agents = log_in(works, unit, Role.AGENT, PEOPLE)
        yield office, agents, copy_year(works, unit, account, messages // LINES, agents)


def measured(
    name: str, office: BenchOffice, people: Sequence[Watch], paths: Callable[[int], Sequence[str]], seconds: float
) -> Iterator[Figure]:
    """The figures of these people asking two web processes; nothing was asked of them before."""
    ports = [free_port() for _ in range(WEB)]
    clients = [Client(paths(place), one.cookie) for place, one in enumerate(people)]
    with ExitStack() as stack:
        stack.enter_context(workers(office, 1))
        for port in ports:
            stack.enter_context(ended(office.serve(port)))
        pool = stack.enter_context(ThreadPoolExecutor(WEB))
        shares = pool.map(lambda place: ask(ports[place], clients[place::WEB], EVERY, seconds), range(WEB))
        times = [one for share in shares for one in share]
    against = f"{LIMIT}; {len(people)} clients, {WEB} web"
    yield Figure(f"{name}.p50", round(percentile(times, 0.5) * 1000, 1), "ms", against)
    yield Figure(f"{name}.p95", round(percentile(times, 0.95) * 1000, 1), "ms", against)


def of_agent(place: int, going_on: Sequence[int]) -> list[str]:
    """What one agent's page asks for."""
    opened = going_on[place % len(going_on)]
    desk = "/console/desk"
    return [f"{desk}/lists?opened={opened}", f"{desk}/{opened}/talk", f"{desk}/lists", desk, f"{desk}/{opened}"]


def of_seeker(place: int) -> list[str]:
    """What one agent who looks for conversations asks for, each beginning elsewhere."""
    looked = ("", "state=closed&page=40", "q=公积金", "show=low&days=90", "days=all&sort=heard")
    turned = [*looked[place % len(looked) :], *looked[: place % len(looked)]]
    return [f"/console/conversations?{quote(one, safe='=&')}" for one in turned]


def of_supervisor(place: int) -> list[str]:
    """What one supervisor asks for, each beginning with another period."""
    periods = (7, 30, 90)
    turned = [*periods[place % 3 :], *periods[: place % 3]]
    report = "/console/response"
    return [one for days in turned for one in (f"{report}?days={days}", f"{report}/conversations?days={days}")]
