"""保存期限: when a kind's days are over, what was planted is nowhere in the database, and not a day before."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from analytics.models import PageRead
from bot import consents, gateway, reply, tickets
from bot.casework.models import Extension, FollowUp, WrittenAnswer
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage, PhoneCode, Ticket, TicketNotice
from bot.personal import forgetting
from bot.personal.models import DataRequest
from bot.phone_codes import Codes
from bot.reply import Said
from bot.states import ConversationState, ReplyState, TicketState
from bot.team.models import Draft, Handover
from channels.accounts import subscriptions
from channels.accounts.models import Account
from channels.base import Consent
from content import search_misses
from hub.keeping import KINDS
from hub.notices import Notice, NoticeSend
from kernel.audit import verify
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.retention import BATCH, Forgotten, Kind, Retention, last_runs, standing
from kernel.seal import Seal
from kernel.work import Work, Works
from tests.bot.citizens import wechat_account
from tests.factories import Office, make_office
from tests.scanning import places

ZONE = ZoneInfo("Asia/Shanghai")
START: datetime = StillClock().now()
BY_NAME = {kind.name: kind for kind in KINDS}


class Planted:
    """An office in which a value was left in every kind of what is kept."""

    def __init__(self, works: Works, office: Office) -> None:
        self.works, self.office = works, office
        self.piece_id = office.piece().id
        with works.write() as work:
            self.account = wechat_account(work, Seal(Fernet.generate_key()), office.city.id)

    def conversation(
        self, work: Work, sender: str, text: str = "", media: dict[str, str] | None = None
    ) -> Conversation:
        account = work.session.get_one(Account, self.account.id)
        key = f"{sender}-1772413200"
        arrival = Arrival(gateway.origin_of(account.id), key, sender, "text", text or "在吗", work.now, media or {})
        received = gateway.receive(work, account, arrival)
        conversation = work.session.get_one(Conversation, received.conversation_id)
        conversation.state, conversation.closed_at = ConversationState.CLOSED, work.now
        return conversation

    def ticket(self, work: Work, text: str, **about: str) -> Ticket:
        made = tickets.make(work, unit_id=self.office.city.id, kind="投诉", text=text, zone=ZONE, **about)  # type: ignore[arg-type]  # Words.
        made.state, made.closed_at = TicketState.CLOSED, work.now
        return made

    # --- a value per kind -------------------------------------------------------------------------------

    def messages(self, work: Work, value: str) -> None:
        conversation = self.conversation(work, f"openid-{value}", f"我是{value}")
        conversation.name, conversation.summary, conversation.dialogue = value, value, {"what": value}
        said = reply.book(work, conversation, "agent", Said(f"{value}您好"))
        said.reason = value
        author = self.office.people["author"].id
        work.session.add(Draft(conversation_id=conversation.id, person_id=author, text=value, saved_at=work.now))

    def media(self, work: Work, value: str) -> None:
        self.conversation(work, "openid-m", media={"PicUrl": f"https://mmbiz.example/{value}"})

    def callbacks(self, work: Work, value: str) -> None:
        conversation = self.conversation(work, "openid-c")
        row = work.session.scalars(
            select(InboundMessage).where(InboundMessage.conversation_id == conversation.id)
        ).one()
        row.answer = f"<xml><ToUserName>{value}</ToUserName></xml>".encode()

    def contacts(self, work: Work, value: str) -> None:
        ticket = self.ticket(work, "路灯坏了", contact=value, name=value)
        values = {"thing1": value}
        about = {"account_id": self.account.id, "way": "template", "template_id": "t", "key": "k", "values": values}
        work.session.add(TicketNotice(ticket_id=ticket.id, sender=value, url=f"/x?{value}", **about))

    def tickets(self, work: Work, value: str) -> None:
        ticket = self.ticket(work, f"{value}家门口的路灯坏了", page=f"/p?{value}")
        ticket.answer = f"{value}您好"
        of = {"ticket_id": ticket.id, "unit_id": ticket.unit_id}
        work.session.add(WrittenAnswer(**of, round=1, text=value, words=value, written_at=work.now))
        work.session.add(FollowUp(**of, round=1, result="satisfied", words=value, made_at=work.now))
        work.session.add(Extension(**of, days=1, reason=value, words=value, asked_at=work.now))

    def codes(self, work: Work, value: str) -> None:
        ticket = self.ticket(work, "没有路灯", contact="13812340000")
        Codes(Seal(Fernet.generate_key())).ask(work, ticket.number, "13812340000")
        work.session.execute(update(PhoneCode).values(reason=value))

    def comments(self, work: Work, value: str) -> None:
        piece = self.piece_id
        of = {"unit_id": self.office.city.id, "account_id": self.account.id}
        thread = CommentThread(**of, piece_id=piece, title="通知", live_at=work.now)
        work.session.add(thread)
        work.session.flush()
        comment = Comment(**of, thread_id=thread.id, remote_id="1", author=value, name=value, text=value)
        comment.at = comment.heard_at = comment.due_at = work.now
        comment.state = CommentState.ANSWERED
        work.session.add(comment)
        work.session.flush()
        work.session.add(CommentAnswer(comment_id=comment.id, text=f"{value}您好", at=work.now))

    def handovers(self, work: Work, value: str) -> None:
        person = self.office.person("officer")
        row = Handover(unit_id=person.unit_id, from_id=person.id, note=f"{value}等回电", made_at=work.now)
        row.taken_at = work.now
        work.session.add(row)

    def requests(self, work: Work, value: str) -> None:
        of = {"unit_id": self.office.city.id, "number": "GR1", "kind": "copy", "state": "declined"}
        row = DataRequest(**of, mark=value, reason=value, words=value, made_at=work.now, due_at=work.now)
        row.done_at = work.now
        work.session.add(row)

    def consents(self, work: Work, value: str) -> None:
        heard = Consent("k", value, "t", agreed=True, at=work.now)
        consents.heard(work, self.account.id, heard)
        assert consents.take(work, self.account.id, value, "t", consents.ONCE)

    def subscriptions(self, work: Work, value: str) -> None:
        endpoint = "https://push.example/abc"
        row = subscriptions.subscribe(
            work, self.account.id, endpoint, "p", "a", subscriptions.Topics(districts=[value])
        )
        row.origin = f"https://{value}.push.example"
        subscriptions.unsubscribe(work, self.account.id, endpoint)

    def searches(self, work: Work, value: str) -> None:
        search_misses.record_miss(work, value)

    def reads(self, work: Work, value: str) -> None:
        piece = self.piece_id
        of = {"unit_id": self.office.city.id, "piece_id": piece}
        work.session.add(PageRead(**of, channel=value, hour=work.now, reads=1))

    def notices(self, work: Work, value: str) -> None:
        person = self.office.person("officer")
        of = {"person_id": person.id, "unit_id": person.unit_id, "kind": "probe", "key": "k"}
        notice = Notice(**of, title=value, text=value, created_at=work.now)
        work.session.add(notice)
        work.session.flush()
        work.session.add(NoticeSend(notice_id=notice.id, channel="gateway", address=value, next_at=work.now))


@pytest.fixture
def planted(works: Works, tmp_path: object) -> Planted:
    return Planted(works, make_office(works, Blobs(tmp_path)))  # type: ignore[arg-type]  # pytest's Path.


def days_of(kind: Kind) -> int:
    return int(kind.rule.default)


def value_of(kind: Kind) -> str:
    return f"王小明{kind.name}"


def test_what_was_planted_is_nowhere_once_its_days_are_over(planted: Planted, clock: StillClock) -> None:
    retention = Retention(planted.works, KINDS)
    for kind in KINDS:
        with planted.works.write() as work:
            getattr(planted, kind.name)(work, value_of(kind))
    for days in sorted({days_of(kind) for kind in KINDS}):
        now_over = [kind for kind in KINDS if days_of(kind) == days]
        clock.step(seconds=(START + timedelta(days=days, minutes=-1) - clock.now()).total_seconds())
        retention.run()
        assert all(places(planted.works.engine, value_of(kind)) for kind in now_over), days
        clock.step(minutes=2)
        gone = retention.run()
        for kind in now_over:
            assert gone[kind.name] >= 1, kind.name
            assert places(planted.works.engine, value_of(kind)) == set(), kind.name
    assert set(retention.run().values()) == {0}
    with planted.works.read() as work:
        assert {row.kind for row in work.session.scalars(select(Forgotten))} == set(BY_NAME)
        assert verify(work.session).fault is None
        assert work.session.scalars(select(Ticket.number)).all()  # The facts stay.
        assert work.session.scalars(select(Conversation.closed_at)).all()


def test_a_conversation_waits_for_its_open_ticket(planted: Planted, clock: StillClock) -> None:
    with planted.works.write() as work:
        conversation = planted.conversation(work, "openid-1", "我是王小明", {"PicUrl": "https://pic.example/王小明"})
        ticket = planted.ticket(work, "路灯坏了")
        ticket.conversation_id, ticket.state = conversation.id, TicketState.OPEN
    retention = Retention(planted.works, KINDS)
    clock.step(days=800)
    retention.run()
    assert places(planted.works.engine, "王小明") == {"inbound_message.text", "inbound_message.media"}
    with planted.works.write() as work:
        work.session.get_one(Ticket, ticket.id).state = TicketState.CLOSED
    retention.run()
    assert places(planted.works.engine, "王小明") == set()


def test_a_consent_that_is_still_good_stays_and_so_does_one_whose_message_is_on_its_way(
    planted: Planted, clock: StillClock
) -> None:
    with planted.works.write() as work:
        for sender in ("王小明", "李小红"):
            planted.consents(work, sender)
        consents.heard(work, planted.account.id, Consent("k", "王小明", "u", agreed=True, at=work.now))
        ticket = planted.ticket(work, "路灯坏了")
        about = {"account_id": planted.account.id, "way": consents.ONCE, "template_id": "t", "key": "k"}
        work.session.add(TicketNotice(ticket_id=ticket.id, sender="李小红", **about))
    retention = Retention(planted.works, [BY_NAME["consents"]])
    clock.step(days=days_of(BY_NAME["consents"]), minutes=1)
    assert retention.run() == {"consents": 1}
    with planted.works.write() as work:
        assert consents.take(work, planted.account.id, "王小明", "u", consents.ONCE)
        consents.give_back(work, planted.account.id, "李小红", "t", consents.ONCE)
        assert consents.take(work, planted.account.id, "李小红", "t", consents.ONCE)
        work.session.execute(update(TicketNotice).values(state=ReplyState.DONE))
    assert retention.run() == {"consents": 2}


def test_a_note_that_was_taken_over_goes_with_what_it_is_about(planted: Planted) -> None:
    with planted.works.write() as work:
        planted.handovers(work, "王小明")
        planted.handovers(work, "李小红")
        work.session.flush()
        first, second = work.session.scalars(select(Handover).order_by(Handover.id)).all()
        conversation = planted.conversation(work, "openid-1", "在吗")
        ticket = planted.ticket(work, "路灯坏了")
        first.conversations, second.tickets = [conversation.id], [ticket.id]
        ids = conversation.id, ticket.id
    with planted.works.write() as work:
        forgetting.conversations(work, ids[:1])
    assert (places(planted.works.engine, "王小明"), places(planted.works.engine, "李小红")) == (
        set(),
        {"desk_handover.note"},
    )
    with planted.works.write() as work:
        forgetting.tickets(work, ids[1:])
    assert places(planted.works.engine, "李小红") == set()


def test_each_unit_keeps_by_its_own_rule_and_what_no_unit_has_by_the_topmost(
    planted: Planted, clock: StillClock
) -> None:
    kind, searches = BY_NAME["tickets"], BY_NAME["searches"]
    with planted.works.write() as work:
        other = planted.ticket(work, "王小明家门口")
        other.unit_id = planted.office.bureau.id
        planted.ticket(work, "李小红家门口")
        search_misses.record_miss(work, "王小明")
        set_rule(work, kind.rule.name, planted.office.bureau.id, 180)
        set_rule(work, searches.rule.name, planted.office.city.id, 400)
    clock.step(days=200)
    with planted.works.read() as work:
        assert (standing(work, kind, KINDS).over, standing(work, searches, KINDS).over) == (1, 0)
    Retention(planted.works, KINDS).run()
    assert places(planted.works.engine, "王小明") == {"search_miss.query"}
    assert places(planted.works.engine, "李小红") == {"ticket.text"}


def test_a_run_takes_small_bites_and_is_noted_once(sqlite_works: Works, tmp_path: object, clock: StillClock) -> None:
    planted = Planted(sqlite_works, make_office(sqlite_works, Blobs(tmp_path)))  # type: ignore[arg-type]  # pytest's Path.
    kind, count = BY_NAME["searches"], BATCH + 5
    with sqlite_works.write() as work:
        for number in range(count):
            search_misses.record_miss(work, f"词{number}")
    clock.step(days=181)
    with sqlite_works.read() as work:
        before = standing(work, kind, KINDS)
        assert (before.over, before.oldest, before.next_at) == (count, START, START + timedelta(days=180))
    assert Retention(planted.works, [kind]).run() == {"searches": count}
    with sqlite_works.read() as work:
        assert [row.rows for row in last_runs(work.session, kind)] == [count]
        assert standing(work, kind, KINDS).oldest is None
