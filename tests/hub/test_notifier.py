"""Notices: told once, sent outside any transaction, at most once where the answer was lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from hub.notices import Notice, NoticeSend, SendState
from hub.notifier import _UNREAD_AT, BY_PHONE, RETRY, UNREAD, Message, Notifier, NotSent, Unanswered
from kernel.clock import StillClock
from kernel.people import Person, add_unit
from kernel.work import Works


@dataclass
class PostBox:
    """A sender that keeps what it was given; `answers` are raised or run in turn, then everything is taken."""

    taken: list[Message] = field(default_factory=list)
    answers: list[BaseException | Callable[[], None]] = field(default_factory=list)

    def address_of(self, person: Person) -> str:
        return person.email

    def send(self, message: Message) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            answer()
        self.taken.append(message)


@dataclass
class House:
    """Two people, one of them with a mail address, and a notifier with one way out."""

    works: Works
    clock: StillClock
    box: PostBox
    notifier: Notifier
    people: list[int]

    def tell(self, key: str = "k", people: list[int] | None = None) -> int:
        with self.works.write() as work:
            chosen = people or self.people
            return self.notifier.tell(work, chosen, "probe", "稿件被退回", "请修改", "/console/me", key)

    def send(self) -> NoticeSend:
        with self.works.read() as work:
            return work.session.scalars(select(NoticeSend)).one()


@pytest.fixture
def house(works: Works, clock: StillClock) -> House:
    with works.write() as work:
        unit = add_unit(work.session, "宣州市", "root")
        wang = Person(unit_id=unit.id, name="王五", login="wang", email="wang@example.gov.cn")
        zhao = Person(unit_id=unit.id, name="赵六", login="zhao")
        work.session.add_all([wang, zhao])
        work.session.flush()
        people = [wang.id, zhao.id]
    box = PostBox()
    return House(works, clock, box, Notifier(works, {"smtp": box}, "https://console.example"), people)


def test_each_person_is_told_once_per_key(house: House) -> None:
    assert house.tell() == 2
    assert house.tell() == 0
    assert house.tell("other") == 2
    with house.works.read() as work:
        assert work.session.scalar(UNREAD, {"person": house.people[0]}) == 2


class Phone(PostBox):
    """A second way out."""

    def address_of(self, person: Person) -> str:
        return person.phone


def test_a_whole_desk_is_told_by_one_statement(house: House) -> None:
    with house.works.write() as work:
        unit_id = work.session.get_one(Person, house.people[0]).unit_id
        desk = [Person(unit_id=unit_id, name=f"坐席{place}", login=f"agent{place}") for place in range(50)]
        work.session.add_all(desk)
        work.session.flush()
        people = [one.id for one in desk]
    said: list[str] = []
    event.listen(house.works.engine, "before_cursor_execute", lambda _c, _cursor, text, *_more: said.append(text))
    assert house.tell(people=people) == 50
    assert sum(text.startswith("INSERT INTO notice ") for text in said) == 1
    assert house.tell(people=people) == 0


@pytest.mark.parametrize(
    ("email", "phone", "by_mail", "by_phone"),
    [
        ("li@example.gov.cn", "13900000000", ["link"], ["code"]),
        ("li@example.gov.cn", "", ["code", "link"], []),
        ("", "13900000000", [], ["code", "link"]),
    ],
)
def test_two_halves_of_a_secret_take_two_ways_where_there_are_two(
    works: Works, email: str, phone: str, by_mail: list[str], by_phone: list[str]
) -> None:
    mail, gateway = PostBox(), Phone()
    notifier = Notifier(works, {"smtp": mail, BY_PHONE: gateway}, "https://console.example")
    with works.write() as work:
        unit = add_unit(work.session, "宣州市", "root")
        li = Person(unit_id=unit.id, name="李四", login="li", email=email, phone=phone)
        work.session.add(li)
        work.session.flush()
        notifier.tell(work, [li.id], "probe", "code", "123456", "", "k.code", only=BY_PHONE)
        notifier.tell(work, [li.id], "probe", "link", "", "/console/signing/1", "k", apart_from=BY_PHONE)
    notifier.send_due()
    assert sorted(message.title for message in mail.taken) == by_mail
    assert sorted(message.title for message in gateway.taken) == by_phone


@pytest.mark.parametrize(("kind", "left"), [("", {"elsewhere"}), ("probe", {"elsewhere", "k:code"})])
def test_what_somebody_saw_to_is_read_for_all_whom_it_was_told(house: House, kind: str, left: set[str]) -> None:
    house.tell()
    with house.works.write() as work:
        for key, link in (("k:code", ""), ("elsewhere", "/console/other")):
            house.notifier.tell(work, house.people, "probe", "验证码", "", link, key)
        house.notifier.settle(work, "/console/me", ["another kind"])
    with house.works.read() as work:
        assert {work.session.scalar(UNREAD, {"person": one}) for one in house.people} == {3}
    with house.works.write() as work:
        house.notifier.settle(work, "/console/me", [kind] if kind else [])
    with house.works.read() as work:
        rows = work.session.execute(select(Notice.person_id, Notice.key).where(Notice.read_at.is_(None))).all()
        assert {tuple(row) for row in rows} == {(one, key) for one in house.people for key in left}


@pytest.mark.parametrize(
    ("asked", "given", "index"),
    [(_UNREAD_AT, ("/console",), "ix_notice_link_unread"), (UNREAD, (1, 1000, 0), "ix_notice_person_id_unread")],
)
def test_unread_notices_are_found_however_many_there_are(
    sqlite_works: Works, asked: Any, given: tuple[object, ...], index: str
) -> None:
    """A desk of fifty has thousands; every page asks for one's own, and signing a piece for those of its page."""
    statement = str(asked.compile(dialect=sqlite_works.engine.dialect))
    with sqlite_works.read() as work:
        plan = work.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    assert any(f"INDEX {index}" in row[-1] for row in plan)


def test_whoever_is_switched_off_is_told_nothing(house: House) -> None:
    with house.works.write() as work:
        work.session.get_one(Person, house.people[0]).active = False
    assert house.tell() == 1


def test_nothing_is_told_when_the_work_fails(house: House) -> None:
    def fail() -> None:
        with house.works.write() as work:
            house.notifier.tell(work, house.people, "probe", "t", "", "", "k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert house.notifier.send_due() == 0
    with house.works.read() as work:
        assert work.session.scalars(select(Notice)).all() == []


def test_telling_the_same_thing_twice_at_once_breaks_nobodys_work(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _n: house.tell("same"), range(8)))
    assert sum(told) == 2


def test_a_message_goes_to_whoever_has_an_address(house: House) -> None:
    house.tell()
    assert house.notifier.send_due() == 1
    message = house.box.taken[0]
    assert (message.to, message.title, message.text) == ("wang@example.gov.cn", "稿件被退回", "请修改")
    assert message.link == "https://console.example/console/me"
    assert house.send().state == SendState.SENT
    assert house.notifier.send_due() == 0


def test_the_network_is_touched_outside_any_transaction(house: House) -> None:
    def write_meanwhile() -> None:
        with house.works.write() as work:
            work.session.add(
                Notice(person_id=house.people[1], unit_id=1, kind="p", title="t", key="m", created_at=work.now)
            )

    house.tell()
    house.box.answers = [write_meanwhile]
    assert house.notifier.send_due() == 1
    assert house.send().state == SendState.SENT


def test_what_was_surely_not_sent_is_tried_again_later_and_later(house: House) -> None:
    house.tell()
    house.box.answers = [NotSent("HTTP 503")] * RETRY.attempts
    waits = []
    for _ in range(RETRY.attempts):
        assert house.notifier.send_due() == 1
        waits.append(house.send().next_at - house.clock.now())
        assert house.notifier.send_due() == 0
        house.clock.step(hours=1)
    assert waits[:3] == [timedelta(seconds=30), timedelta(seconds=90), timedelta(seconds=270)]
    assert (house.send().state, house.send().error) == (SendState.FAILED, "HTTP 503")
    assert house.notifier.send_due() == 0
    assert house.box.taken == []


def test_a_second_attempt_carries_the_same_number(house: House) -> None:
    house.tell()
    house.box.answers = [NotSent("later")]
    house.notifier.send_due()
    house.clock.step(minutes=1)
    house.notifier.send_due()
    assert [message.id for message in house.box.taken] == [house.send().id]
    assert house.send().attempts == 2


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (NotSent("HTTP 400", lasting=True), SendState.FAILED),
        (Unanswered("ReadTimeout"), SendState.UNKNOWN),
        (ValueError("unforeseen"), SendState.UNKNOWN),
    ],
)
def test_what_is_refused_or_unanswered_is_not_sent_again(house: House, answer: Exception, state: SendState) -> None:
    house.tell()
    house.box.answers = [answer]
    house.notifier.send_due()
    house.clock.step(days=1)
    assert house.notifier.send_due() == 0
    assert house.send().state == state


def test_a_process_that_dies_while_sending_leaves_unknown(house: House) -> None:
    house.tell()
    house.box.answers = [KeyboardInterrupt()]  # Stands for a process that is gone.
    with pytest.raises(KeyboardInterrupt):
        house.notifier.send_due()
    assert house.send().state == SendState.SENDING
    assert house.notifier.send_due() == 0
    house.clock.step(minutes=3)
    assert house.notifier.send_due() == 0
    assert house.send().state == SendState.UNKNOWN
    assert house.box.taken == []


def test_many_processes_send_each_message_once(house: House) -> None:
    with house.works.write() as work:
        crowd = [
            Person(unit_id=1, name=f"p{number}", login=f"p{number}", email=f"p{number}@example.cn")
            for number in range(30)
        ]
        work.session.add_all(crowd)
    house.tell("all", [person.id for person in crowd])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: house.notifier.send_due(), range(4)))
    assert sorted(message.to for message in house.box.taken) == sorted(person.email for person in crowd)


def test_one_bad_message_holds_up_no_other(house: House) -> None:
    with house.works.write() as work:
        work.session.get_one(Person, house.people[1]).email = "zhao@example.gov.cn"
    house.tell()
    house.box.answers = [NotSent("HTTP 400", lasting=True)]
    assert house.notifier.send_due() == 2
    assert len(house.box.taken) == 1
