"""The tables of conversations: who talks, what was said on both sides, ratings, tickets, and pushes already seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.states import CodeState, ConversationState, ModelEngine, ModelState, ReplyState, Route, TicketState
from kernel.claim import Claimable
from kernel.model import Base, Json


class Conversation(Base):
    """One service session with one person on one account; at most one of a person and account is not closed.

    `lines` numbers what is said on both sides. `engine_session` is the engine's sender id. `pending` is what the bot
    waits for: a `choice` among `choices` (the pieces last suggested), or words to `leave` for office hours. `dialogue`
    is where a dialogue of several turns stands ({}: there is none), over by itself at `dialogue_until`.
    `window_until` and `messages_left` are the platform's limits (None: no limit). `service_id` is the guide of the
    service item that was handled here, `class_id` the class of its matter. From `forgotten_at` on it holds neither
    words nor who said them. `merged_into_id` is the conversation of the same person in which this one is answered too.
    `window_warned` is the end of the window that was told of. `handoff_reason` is why people got it first, `taken_at`
    when one took it. At `idle_warned_at` the citizen was told that it ends because he writes no more, at
    `wait_told_at` where he stands in the queue though he had not asked.
    `topic` is the theme of what he asked when people got it last.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        Index(
            "uq_conversation_account_id_sender_going_on",
            "account_id",
            "sender",
            unique=True,
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("ix_conversation_unit_id_state", "unit_id", "state"),
        Index("ix_conversation_state_heard_at", "state", "heard_at"),
        Index("ix_conversation_unit_id_opened_at", "unit_id", "opened_at"),
        Index(
            "ix_conversation_unit_id_danger",
            "unit_id",
            sqlite_where=text("urgent_at IS NOT NULL AND acknowledged_at IS NULL"),
            postgresql_where=text("urgent_at IS NOT NULL AND acknowledged_at IS NULL"),
        ),
        Index("ix_conversation_dialogue_until", "dialogue_until"),
        Index(
            "ix_conversation_unit_id_first_reply_at",
            "unit_id",
            "first_reply_at",
            sqlite_where=text("first_reply_at IS NOT NULL"),
            postgresql_where=text("first_reply_at IS NOT NULL"),
        ),
        Index("ix_conversation_account_id_sender", "account_id", "sender"),
        Index(
            "ix_conversation_closed_at_held",
            "closed_at",
            sqlite_where=text("forgotten_at IS NULL"),
            postgresql_where=text("forgotten_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    channel: Mapped[str] = mapped_column(String(30))
    sender: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(10), default=ConversationState.BOT)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    engine_session: Mapped[str] = mapped_column(String(40))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    lines: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    pending: Mapped[str] = mapped_column(String(10), default="")
    choices: Mapped[list[Any]] = mapped_column(Json, default=list)
    dialogue: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    dialogue_until: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    waiting_reason: Mapped[str] = mapped_column(String(20), default="")
    reminded_at: Mapped[datetime | None]
    handed_off_at: Mapped[datetime | None]
    first_reply_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    summary: Mapped[str] = mapped_column(String(500), default="")
    urgent_at: Mapped[datetime | None]
    urgent_word: Mapped[str] = mapped_column(String(40), default="")
    urgent_told: Mapped[int] = mapped_column(default=0)
    urgent_told_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    window_until: Mapped[datetime | None]
    messages_left: Mapped[int | None]
    rating_asked_at: Mapped[datetime | None]
    service_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"))
    forgotten_at: Mapped[datetime | None]
    class_id: Mapped[int | None] = mapped_column(ForeignKey("matter_class.id"), index=True)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    window_warned: Mapped[datetime | None]
    handoff_reason: Mapped[str] = mapped_column(String(20), default="", server_default="")
    taken_at: Mapped[datetime | None]
    idle_warned_at: Mapped[datetime | None]
    topic: Mapped[str] = mapped_column(String(40), default="", server_default="")
    wait_told_at: Mapped[datetime | None]


class InboundMessage(Claimable, Base):
    """What a citizen said or did, once per (`origin`, `key`), however often the platform pushes it.

    `answer` is the body that answered the push, kept so that a repeat gets the same bytes. `handled_at` is when
    the bot was done with it; `question` marks what the bot could not answer.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("origin", "key"),
        Index("ix_inbound_message_conversation_id_number", "conversation_id", "number"),
        Index("ix_inbound_message_handled_at_claimed_until", "handled_at", "claimed_until"),
        Index(
            "ix_inbound_message_received_at_media",
            "received_at",
            sqlite_where=text("media <> '{}'"),
            postgresql_where=text("media <> '{}'::jsonb"),
        ),
        Index(
            "ix_inbound_message_received_at_answer",
            "received_at",
            sqlite_where=text("answer IS NOT NULL"),
            postgresql_where=text("answer IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    number: Mapped[int]
    origin: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(150))
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")
    media: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(20), default="")
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class OutboundReply(Claimable, Base):
    """What the bot, a person or the office itself (`event`) said; the passive answer and the customer-service
    message compete for one row.

    `sources` are the pieces an answer is taken from: piece, revision, title, path; `rule` names the prepared reply or
    menu button it is. `basis` traces an answer of the bot: the model's number, and how sure it was. A `note` is for
    colleagues only. `key` stands for an agent's answer and its words, so that a repeat is told.
    """

    __tablename__ = "outbound_reply"
    __table_args__ = (
        Index("ix_outbound_reply_conversation_id_number", "conversation_id", "number"),
        Index("ix_outbound_reply_state_next_at", "state", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)
    number: Mapped[int]
    side: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    key: Mapped[str] = mapped_column(String(60), default="")
    text: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[Any]] = mapped_column(Json, default=list)
    choices: Mapped[list[Any]] = mapped_column(Json, default=list)
    ask: Mapped[str] = mapped_column(String(10), default="")
    rule: Mapped[str] = mapped_column(String(80), default="")
    basis: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=ReplyState.BOOKED)
    route: Mapped[str] = mapped_column(String(10), default=Route.UNDECIDED)
    attempts: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    code: Mapped[str] = mapped_column(String(40), default="")


class Rating(Base):
    """服务评价: how content a citizen was with one service session, 1 (非常满意) to 5 (非常不满意).

    It counts as 好差评 when the session was about a service item: `service_id` is its guide, of `service_unit_id`.
    """

    __tablename__ = "rating"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), unique=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    score: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    service_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)


class Ticket(Base):
    """工单: a matter with a number and a deadline, from a conversation out of hours or from the portal's form.

    `handler_id` is the colleague it was given to (派单); `sent_from_id` is the unit that handed it over at
    `received_at`, to which it can be given back (退单). `round` is 2 and more where a follow-up found the citizen
    not satisfied (二次办理); `followed_at` says that this round's follow-up is done. From `forgotten_at` on it holds
    the fact, but nothing of the person. `main_id` is the ticket of the same matter with which this one is
    answered (并单). At `sms_agreed_at` he agreed
    to a text message when it is answered. `urgent_word` is the word of danger in it, told `urgent_told` times.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_unit_id_state_due_at", "unit_id", "state", "due_at"),
        Index(
            "ix_ticket_unit_id_danger",
            "unit_id",
            sqlite_where=text("urgent_at IS NOT NULL AND acknowledged_at IS NULL"),
            postgresql_where=text("urgent_at IS NOT NULL AND acknowledged_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(String(500), default="")
    contact: Mapped[str] = mapped_column(String(100), default="")
    name: Mapped[str] = mapped_column(String(60), default="")
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default=TicketState.OPEN)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    late_told_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    sent_from_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    received_at: Mapped[datetime | None]
    urged: Mapped[int] = mapped_column(default=0, server_default="0")
    urged_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(default=1, server_default="1")
    followed_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    hotline_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    forgotten_at: Mapped[datetime | None]
    main_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    sms_agreed_at: Mapped[datetime | None]
    made_key: Mapped[str | None] = mapped_column(String(90), unique=True)
    urgent_at: Mapped[datetime | None]
    urgent_word: Mapped[str] = mapped_column(String(40), default="", server_default="")
    urgent_told: Mapped[int] = mapped_column(default=0, server_default="0")
    urgent_told_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class TicketSms(Claimable, Base):
    """A text message that a ticket was answered, at most one for each round; whom it goes to stands in the ticket.

    `unknown` went out without an answer and is never repeated.
    """

    __tablename__ = "ticket_sms"
    __table_args__ = (UniqueConstraint("ticket_id", "round"), Index("ix_ticket_sms_state_next_at", "state", "next_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    round: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=ReplyState.BOOKED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class PhoneCode(Claimable, Base):
    """A code to the telephone of a ticket or a data request, sealed; without either, the two do not fit.

    `mark` stands for both, `phone_mark` for the telephone alone; `opened` for the session that the code opened.
    """

    __tablename__ = "phone_code"
    __table_args__ = (
        Index("ix_phone_code_mark", "mark"),
        Index("ix_phone_code_phone_mark_made_at", "phone_mark", "made_at"),
        Index("ix_phone_code_state_next_at", "state", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("data_request.id"), index=True)
    mark: Mapped[str] = mapped_column(String(64))
    phone_mark: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(String(200))
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    until_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    opened: Mapped[str | None] = mapped_column(String(64), unique=True)
    open_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default=CodeState.BOOKED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class SeenPush(Base):
    """A signed request that came to a callback address, remembered so that its signature serves no other body."""

    __tablename__ = "seen_push"
    __table_args__ = (UniqueConstraint("account_id", "stamp"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    stamp: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)


class PushProcess(Base):
    """A process that answers pushes: what it decided until `clear_until` has left. Gone while nothing is to do."""

    __tablename__ = "push_process"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    clear_until: Mapped[datetime]
    seen_at: Mapped[datetime]


class AutoReply(Base):
    """A reply prepared by people: to whoever follows (`follow`), or to certain words (`keyword`).

    `words` are [word, exact or contains]; `act` says `answers` (all of them or `several` = one by chance), lists the
    newest of a column, or calls a person. It counts once somebody else than `made_by` approved it as it stands.
    """

    __tablename__ = "auto_reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    trigger: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60))
    words: Mapped[list[Any]] = mapped_column(Json, default=list)
    act: Mapped[str] = mapped_column(String(10), default="say")
    answers: Mapped[list[Any]] = mapped_column(Json, default=list)
    several: Mapped[str] = mapped_column(String(5), default="all")
    column_id: Mapped[int | None] = mapped_column(ForeignKey("column.id"))
    origin: Mapped[str] = mapped_column(String(10), default="written")
    note: Mapped[str] = mapped_column(String(300), default="")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class TicketNotice(Claimable, Base):
    """A service notice that tells a citizen of his ticket, once; `job` is the platform's number for its end.

    `unknown` went out without an answer and is repeated only under its key and in its minutes, else by a person.
    """

    __tablename__ = "ticket_notice"
    __table_args__ = (Index("ix_ticket_notice_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sender: Mapped[str] = mapped_column(String(120))
    way: Mapped[str] = mapped_column(String(10))
    template_id: Mapped[str] = mapped_column(String(100))
    values: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    url: Mapped[str] = mapped_column(String(500), default="")
    key: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=ReplyState.BOOKED)
    attempts: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    job: Mapped[str] = mapped_column(String(60), default="", index=True)
    done_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    code: Mapped[str] = mapped_column(String(40), default="")


class NoticeEnd(Base):
    """What a platform told of a notice's end, whichever came first, this or the answer to the call."""

    __tablename__ = "notice_end"
    __table_args__ = (UniqueConstraint("account_id", "job"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    job: Mapped[str] = mapped_column(String(60))
    arrived: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]


class NoticeConsent(Base):
    """What a follower agreed to of one form of notices: `left` messages, or any number where it holds for long.

    `heard_at` is the platform's own moment of what was heard last; an earlier one, or the same again, changes nothing.
    """

    __tablename__ = "notice_consent"
    __table_args__ = (UniqueConstraint("account_id", "sender", "template_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sender: Mapped[str] = mapped_column(String(120))
    template_id: Mapped[str] = mapped_column(String(100))
    left: Mapped[int]
    heard_at: Mapped[datetime]


class PublicAnswer(Base):
    """留言公开: a citizen's matter and its answer as anybody may read them, with nothing of who wrote it.

    Its words are a person's own masked version; the ticket keeps what was really written. Hidden ones stay as rows.
    """

    __tablename__ = "public_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime]
    published_at: Mapped[datetime] = mapped_column(index=True)
    published_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    hidden_at: Mapped[datetime | None]


class Lesson(Base):
    """What a person made of a citizen's question that the bot did not know; models are tested by these.

    `act` says what: a `wording` of the piece, a `draft` made of it, `confirmed` as the piece's, or `foreign`: never to
    be answered. `text` holds no personal data; `digest` names the text as the classifier reads it.
    """

    __tablename__ = "lesson"
    __table_args__ = (UniqueConstraint("unit_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(200))
    act: Mapped[str] = mapped_column(String(10))
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]


class BotModel(Claimable, Base):
    """A version of what the classifier learned: from which pieces and revisions, how it did, and whether it serves.

    `artefact` names the file that is kept of it ('': none any more): among the kept files for the embedded engine, in
    the folder of Rasa's models for Rasa. It is claimed while a Rasa server is asked to serve it.

    `taught` are [piece, revision]; `figures` and `before` are what it and the one then in service made of the same
    questions; `faults` say why it was not let through. `how` tells how the current one came to be so: auto, manual,
    forced (in spite of its faults) or rollback.
    """

    __tablename__ = "bot_model"
    __table_args__ = (
        Index(
            "uq_bot_model_engine_current",
            "engine",
            unique=True,
            sqlite_where=text("state = 'current'"),
            postgresql_where=text("state = 'current'"),
        ),
        UniqueConstraint("engine", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    engine: Mapped[str] = mapped_column(String(10), default=ModelEngine.EMBEDDED)
    fingerprint: Mapped[str] = mapped_column(String(64))
    artefact: Mapped[str] = mapped_column(String(64), default="")
    examples: Mapped[int]
    taught: Mapped[list[Any]] = mapped_column(Json, default=list)
    figures: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    faults: Mapped[list[Any]] = mapped_column(Json, default=list)
    made_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default=ModelState.CANDIDATE)
    how: Mapped[str] = mapped_column(String(10), default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(String(500), default="")


class RasaTraining(Base):
    """A training of Rasa that somebody asked for: `seen_at`, when it was last heard of; `number`, the model made.

    With `examines` a kept model of that number is examined anew, and none is made.
    """

    __tablename__ = "rasa_training"

    id: Mapped[int] = mapped_column(primary_key=True)
    wanted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    wanted_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(String(20), default="")
    number: Mapped[int | None]
    examines: Mapped[int | None]
    failed: Mapped[str] = mapped_column(String(1000), default="")
