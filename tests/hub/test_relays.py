"""What one process writes, a stream of another sees at once: two products on one database stand for two processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.events import ConversationChanged
from bot.models import Conversation
from bot.states import ConversationState
from hub.live import conversation_topic, desk_topic
from hub.product import Hub
from hub.relays import SqliteRelay
from hub.settings import Settings
from hub.web.desk_stream import PACE_SECONDS
from hub.wiring import build
from kernel.people import Unit

# Far above what a relay needs and far below nothing: without one these streams would hear nothing at all.
PATIENCE = 20.0


@contextmanager
def product(url: str, folder: Path) -> Iterator[Hub]:
    hub = build(Settings(data=folder, database_url=url))
    try:
        yield hub
    finally:
        hub.close()


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[tuple[Hub, Hub]]:
    """The console's process and the public one's."""
    with product(database_url, tmp_path) as console, product(database_url, tmp_path) as public:
        yield console, public


def speak(hub: Hub, conversation: Conversation | None = None, fail: bool = False) -> Conversation:
    """A citizen says something; the first word begins the conversation."""
    with hub.works.write() as work:
        if conversation is None:
            unit = Unit(name="云州市", code="city")
            work.session.add(unit)
            work.session.flush()
            row = Conversation(
                unit_id=unit.id, channel="portal", sender="x", state=ConversationState.WAITING, engine_session="s",
                lines=0, opened_at=work.now, heard_at=work.now,
            )  # fmt: skip
            work.session.add(row)
        else:
            row = work.session.get_one(Conversation, conversation.id)
        row.lines += 1
        work.session.flush()
        work.emit(ConversationChanged(row.id, row.unit_id))
        if fail:
            raise RuntimeError("the work is rolled back")
        return row


async def heard(hub: Hub, topic: str, act: Callable[[], object], patience: float = PATIENCE) -> set[str]:
    """What a stream of this process is told after the act in another."""
    with hub.incoming.live.watching([topic]) as watcher:
        changes = watcher.changes(look=patience)
        await asyncio.sleep(1.0)  # LISTEN has been said, the file has been looked at.
        await asyncio.to_thread(act)
        found = await anext(changes)
        await changes.aclose()
        return found


def test_a_stream_hears_what_another_process_wrote(pair: tuple[Hub, Hub]) -> None:
    console, public = pair
    row = speak(public)
    for topic in (conversation_topic(row.id), desk_topic(row.unit_id)):
        assert asyncio.run(heard(console, topic, lambda: speak(public, row))) == {topic}


def test_another_process_hears_within_what_a_second_leaves(pair: tuple[Hub, Hub]) -> None:
    """A page is told at most every half second; the rest is for the way. One of seven may be late."""
    console, public = pair
    row = speak(public)

    async def ways() -> list[float]:
        found = []
        with console.incoming.live.watching([desk_topic(row.unit_id)]) as watcher:
            changes = watcher.changes(look=PATIENCE)
            await asyncio.sleep(1.0)  # LISTEN has been said, the file has been looked at.
            for _ in range(7):
                await asyncio.to_thread(speak, public, row)
                committed = time.monotonic()
                assert await anext(changes) == {desk_topic(row.unit_id)}
                found.append(time.monotonic() - committed)
            await changes.aclose()
        return found

    assert sorted(asyncio.run(ways()))[-2] < 1.0 - PACE_SECONDS


def test_what_was_rolled_back_is_not_told(pair: tuple[Hub, Hub]) -> None:
    console, public = pair
    row = speak(public)

    def act() -> None:
        with pytest.raises(RuntimeError):
            speak(public, row, fail=True)
        with public.works.write() as work:  # Something else happens: the file's counter moves.
            work.session.add(Unit(name="云州市住建局", code="bureau"))

    assert asyncio.run(heard(console, desk_topic(row.unit_id), act, patience=2.0)) == set()


def test_what_this_process_told_itself_is_not_told_again(pair: tuple[Hub, Hub]) -> None:
    console, public = pair
    row = speak(public)
    topics = [conversation_topic(row.id), desk_topic(row.unit_id)]

    async def listen() -> tuple[set[str], set[str], set[str]]:
        with console.incoming.live.watching(topics) as watcher:
            changes = watcher.changes(look=PATIENCE)
            await asyncio.sleep(1.0)
            await asyncio.to_thread(speak, console, row)
            first = await anext(changes)
            await asyncio.sleep(1.0)  # The file's counter has moved by this process's own commit.
            again = watcher.more()
            await asyncio.to_thread(speak, public, row)
            return first, again, await anext(changes)

    first, again, foreign = asyncio.run(listen())
    assert (first, again) == (set(topics), set())
    assert foreign <= set(topics)
    assert foreign


@pytest.mark.postgresql
def test_postgresql_tells_each_change_of_a_work_once_and_nothing_of_its_own(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with product(postgres_url, tmp_path) as hub, product(postgres_url, tmp_path) as other:
        own, foreign = told_to(hub, monkeypatch), told_to(other, monkeypatch)
        row = speak(hub)
        wait_until(lambda: speak(hub, row) and foreign)  # By then it listens.
        many = [conversation_topic(number) for number in range(1001, 1401)]  # More than one notice holds.
        with hub.works.write() as work:
            for number in (*range(1001, 1401), 1007):
                work.emit(ConversationChanged(number, row.unit_id))
        wait_until(lambda: set(many) <= set(foreign))
        assert sorted(topic for topic in foreign if topic in many) == many
        assert own.count(conversation_topic(1007)) == 2, "told by the work's own effects, and by nobody again"


def told_to(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What its streams are told from now on, the relay listening."""
    topics: list[str] = []
    monkeypatch.setattr(hub.incoming.live, "tell", lambda *more: topics.extend(more))
    hub.incoming.live.begin()
    return topics


def wait_until(met: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_what_nobody_watches_is_not_read(sqlite_url: str, tmp_path: Path) -> None:
    with product(sqlite_url, tmp_path) as hub:
        row = speak(hub)
        relay = hub.incoming.relay
        assert isinstance(relay, SqliteRelay)

        async def states(*topics: str) -> set[str]:
            with hub.incoming.live.watching(topics):
                return set(relay._states())

        assert asyncio.run(states()) == set()
        for topic in (conversation_topic(row.id), desk_topic(row.unit_id), desk_topic(row.unit_id + 1)):
            assert asyncio.run(states(topic)) == {topic}


def test_a_closed_conversation_is_told_too(pair: tuple[Hub, Hub]) -> None:
    console, public = pair
    row = speak(public)

    def act() -> None:
        with public.works.write() as work:
            closed = work.session.get_one(Conversation, row.id)
            closed.state = ConversationState.CLOSED
            work.session.flush()
            work.emit(ConversationChanged(closed.id, closed.unit_id))

    topic = desk_topic(row.unit_id)
    assert asyncio.run(heard(console, topic, act)) == {topic}


def test_nothing_listens_before_somebody_looks_and_after_the_end(sqlite_url: str, tmp_path: Path) -> None:
    with product(sqlite_url, tmp_path) as hub:
        relay = hub.incoming.relay
        assert relay._thread is None
        relay.begin()
        relay.begin()
        thread = relay._thread
        assert thread is not None
        assert thread.is_alive()
    assert not thread.is_alive()
    relay.begin()
    assert relay._thread is thread
