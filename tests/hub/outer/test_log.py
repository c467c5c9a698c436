"""The packet log: whatever is cut, repeated, lost or overtaken on the way, everything is taken once and in order."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub.outer import pairing
from hub.outer.errors import BadParcel, NotPaired
from hub.outer.log import TRIES, PacketLog, Taken, is_paired, marks_of
from hub.outer.models import OuterLink, OuterPacket, OuterProblem
from hub.outer.packets import card_of, open_packet
from kernel.clock import StillClock
from kernel.errors import WrongState
from tests.hub.outer.pair import Side, pair, side_on, two_sides


@pytest.fixture
def sides(sqlite_template: Path, tmp_path: Path, clock: StillClock) -> tuple[Side, Side]:
    """Inside and outside, paired."""
    return two_sides(sqlite_template, tmp_path, clock)


def exchange(inner: Side, outer: Side) -> None:
    """One request and its answer."""
    outer.log.take(inner.log.parcel()[0])
    inner.log.take(outer.log.parcel()[0])


def outbox(side: Side) -> list[int]:
    with side.log.works.read() as work:
        return list(work.session.scalars(select(OuterPacket.number).order_by(OuterPacket.number)))


def problems(side: Side) -> list[OuterProblem]:
    with side.log.works.read() as work:
        return list(work.session.scalars(select(OuterProblem).order_by(OuterProblem.id)))


def test_what_is_written_arrives_in_order_and_the_outbox_is_emptied_by_the_answer(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    for told in range(5):
        inner.put(told)
        outer.put(-told)
    exchange(inner, outer)
    assert outer.taken == [0, 1, 2, 3, 4]
    assert inner.taken == [0, -1, -2, -3, -4]
    assert (outbox(inner), outbox(outer)) == ([], [1, 2, 3, 4, 5])
    exchange(inner, outer)
    assert outbox(outer) == []


def test_a_work_that_is_rolled_back_has_written_nothing(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    with suppress(RuntimeError), inner.log.works.write() as work:
        inner.log.put(work, "note", {"told": "never"})
        raise RuntimeError
    inner.put("really")
    exchange(inner, outer)
    assert outer.taken == ["really"]


def test_the_outbox_shows_nothing_even_to_who_has_the_disk_and_its_keys(
    sides: tuple[Side, Side], tmp_path: Path
) -> None:
    _inner, outer = sides
    outer.put("市民王女士的电话", b"13800001111")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("outer.db*"))
    assert "王女士".encode() not in kept
    assert b"13800001111" not in kept
    with outer.log.works.read() as work:
        sealed = work.session.scalars(select(OuterPacket.sealed)).one()
        link = outer.log.link(work.session)
    with pytest.raises(BadParcel):
        open_packet(sealed, 1, link.keys.box, link.log)


class _Post:
    """A carrier that keeps all it was ever given, and brings any of it at any time, whole or cut."""

    def __init__(self, inner: Side, outer: Side) -> None:
        self.sides = {"inner": inner, "outer": outer}
        self.written = {"inner": 0, "outer": 0}
        self.carried: dict[str, list[bytes]] = {"inner": [], "outer": []}

    def do(self, act: str, side: str, which: int) -> None:
        other = "outer" if side == "inner" else "inner"
        here = self.sides[side]
        if act == "write":
            self.written[side] += 1
            here.put(self.written[side])
        elif act == "send":
            self.carried[other].append(here.log.parcel()[0])
        elif act == "restart":
            here.log = PacketLog(here.log.works, here.log.seal, {"note": here.note})
        elif self.carried[side]:
            parcel = self.carried[side][which % len(self.carried[side])]
            if act == "cut":
                with pytest.raises(BadParcel):
                    here.log.take(parcel[:-3])
            else:
                here.log.take(parcel)

    def is_right(self) -> None:
        for side, other in (("inner", "outer"), ("outer", "inner")):
            taken = self.sides[side].taken
            assert taken == list(range(1, len(taken) + 1))
            assert len(taken) <= self.written[other]


ACTS = st.tuples(
    st.sampled_from(["write", "write", "send", "send", "bring", "bring", "cut", "restart"]),
    st.sampled_from(["inner", "outer"]),
    st.integers(0, 50),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=40))
def test_whatever_the_carrier_does_all_is_taken_once_and_in_order(
    acts: list[tuple[str, str, int]], sqlite_template: Path
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        post = _Post(*two_sides(sqlite_template, Path(folder), StillClock()))
        for act in acts:
            post.do(*act)
            post.is_right()
        for _round in range(2):
            exchange(post.sides["inner"], post.sides["outer"])
        for side, other in (("inner", "outer"), ("outer", "inner")):
            assert len(post.sides[side].taken) == post.written[other]
        for one in post.sides.values():
            one.log.works.engine.dispose()


def test_a_packet_that_cannot_be_taken_is_set_aside_and_stops_nobody(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    inner.failing.add("bad")
    for told in ("good", "bad", "better"):
        outer.put(told)
    for _try in range(TRIES - 1):
        exchange(inner, outer)
        assert inner.taken == ["good"]
    exchange(inner, outer)
    assert inner.taken == ["good", "better"]
    (problem,) = problems(inner)
    assert (problem.side, problem.name, problem.number, problem.reason) == ("inner", "note", 2, "ValueError")
    inner.failing.clear()
    assert inner.log.again(problem.id)
    assert inner.taken == ["good", "better", "bad"]
    assert not inner.log.again(problem.id)
    assert inner.taken == ["good", "better", "bad"]


def test_what_goes_wrong_outside_is_told_inside(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    told: list[object] = []
    inner.log.handlers["trouble"] = lambda _work, packet: told.append(packet.values["reason"])
    outer.failing.add("bad")
    inner.put("bad")
    for _try in range(TRIES):
        exchange(inner, outer)
    exchange(inner, outer)
    assert told == ["第 1 号包：ValueError"]


def test_a_kind_nobody_knows_is_set_aside(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    with outer.log.works.write() as work:
        outer.log.put(work, "from the future", {})
    for _try in range(TRIES):
        exchange(inner, outer)
    assert "版本可能不同" in problems(inner)[0].reason


def test_in_numbered_ways_what_was_brought_before_is_refused(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    inner.put(1)
    first, second = (inner.log.parcel(numbered=True)[0] for _ in range(2))
    outer.log.take(second, numbered=True)
    for late in (second, first):
        with pytest.raises(BadParcel, match="重复或乱序"):
            outer.log.take(late, numbered=True)
    assert outer.taken == [1]


def test_a_parcel_that_was_overtaken_is_nobodys_fault(sides: tuple[Side, Side], clock: StillClock) -> None:
    inner, outer = sides
    late = outer.log.parcel()[0]
    for said in ("first", "second"):
        outer.put(said)
        exchange(inner, outer)
        assert inner.log.take(late) == Taken(0, more=False)
        clock.step(seconds=61)
    assert (inner.taken, problems(inner)) == (["first", "second"], [])


def test_a_side_that_went_back_in_time_is_noticed(
    sides: tuple[Side, Side], sqlite_template: Path, tmp_path: Path, clock: StillClock
) -> None:
    inner, outer = sides
    with outer.log.works.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"VACUUM INTO '{tmp_path / 'restored.db'}'")
    outer.put("lost by going back")
    exchange(inner, outer)
    back = side_on(f"sqlite:///{tmp_path / 'restored.db'}", clock)
    back.log.seal = outer.log.seal
    with pytest.raises(BadParcel, match="包号倒退"):
        inner.log.take(back.log.parcel(numbered=True)[0], numbered=True)
    # Across the network it might be one that was overtaken; after a minute of nothing else it is not.
    assert inner.log.take(back.log.parcel()[0]) == Taken(0, more=False)
    clock.step(seconds=61)
    with pytest.raises(BadParcel, match="包号倒退"):
        inner.log.take(back.log.parcel()[0])
    with pytest.raises(BadParcel, match="没有的包号"):
        back.log.take(inner.log.parcel()[0])


@pytest.mark.postgresql
def test_the_inside_may_stand_on_postgresql(
    postgres_url: str, sqlite_template: Path, tmp_path: Path, clock: StillClock
) -> None:
    (tmp_path / "outer.db").write_bytes(sqlite_template.read_bytes())
    inner, outer = side_on(postgres_url, clock), side_on(f"sqlite:///{tmp_path / 'outer.db'}", clock)
    pair(inner, outer)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(inner.put, range(20)))
    outer.put("back")
    for _turn in range(2):
        exchange(inner, outer)
    # Many write at one moment, and each has a number of its own.
    assert sorted(outer.taken) == list(range(20))  # type: ignore[type-var]  # All are numbers.
    assert inner.taken == ["back"]
    assert outbox(inner) == []
    for side in (inner, outer):
        side.log.works.engine.dispose()


# --- pairing ----------------------------------------------------------------------------------------


def test_before_pairing_nothing_passes(sqlite_url: str, clock: StillClock) -> None:
    side = side_on(sqlite_url, clock)
    with side.log.works.read() as work:
        assert not is_paired(work.session)
    with pytest.raises(NotPaired):
        side.put("too early")
    with pytest.raises(NotPaired):
        side.log.take(b"anything")


def test_pairing_again_begins_a_new_log_and_the_old_one_is_believed_no_more(sides: tuple[Side, Side]) -> None:
    inner, outer = sides
    outer.put("never asked for")
    old = outer.log.parcel()[0]
    with pytest.raises(WrongState, match="anew"):
        _join_anew(inner, outer, anew=False)
    _join_anew(inner, outer, anew=True)
    with pytest.raises(BadParcel, match="签名不符"):
        inner.log.take(old)
    outer.put("after")
    exchange(inner, outer)
    assert inner.taken == ["after"]
    with inner.log.works.read() as work:
        assert marks_of(work.session)["applied"] == 1


def _join_anew(inner: Side, outer: Side, *, anew: bool) -> None:
    with inner.log.works.write() as work:
        invited = pairing.invite(work, inner.log.seal, anew=True)
    with outer.log.works.write() as work:
        answer = pairing.join(work, outer.log.seal, invited, anew=anew)
    with inner.log.works.write() as work:
        pairing.accept(work, answer)


def test_a_card_that_answers_another_invitation_is_refused(
    sides: tuple[Side, Side], sqlite_template: Path, tmp_path: Path, clock: StillClock
) -> None:
    inner, _outer = sides
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    _other, foreign = two_sides(sqlite_template, strangers, clock)
    with foreign.log.works.read() as work:
        link = foreign.log.link(work.session)
        answer = card_of(link.keys, "outer", link.log, link.peer.log)
    with pytest.raises(BadParcel, match="不是对本端邀请"), inner.log.works.write() as work:
        pairing.accept(work, answer)


def test_the_own_keys_stand_sealed_in_the_database(sides: tuple[Side, Side], tmp_path: Path) -> None:
    inner, _outer = sides
    with inner.log.works.read() as work:
        keys = inner.log.link(work.session).keys
        row = work.session.get_one(OuterLink, 1)
    assert keys.sign.hex() not in row.sign_key
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("inner.db*"))
    assert keys.sign.hex().encode() not in kept
    assert keys.box.hex().encode() not in kept
