"""The tables of the two sides: the link between them, its outbox, what was set aside, and what each side keeps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base


class OuterLink(Base):
    """The other side, at most one: who it is, our own keys (sealed), and when it was last heard.

    `role` is our own: `inner` or `outer`. `peer` is the other's card; empty until it was accepted.
    """

    __tablename__ = "outer_link"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(5))
    log: Mapped[str] = mapped_column(String(32))
    sign_key: Mapped[str] = mapped_column(Text)
    box_key: Mapped[str] = mapped_column(Text)
    peer: Mapped[str] = mapped_column(Text, default="")
    heard_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(300), default="")
    trouble_at: Mapped[datetime | None]
    silent_told_at: Mapped[datetime | None]
    paired_at: Mapped[datetime | None]


class OuterMark(Base):
    """A number that only grows: `written` (our last packet), `applied` (the last taken from the other side), `acked`
    (the last it took from us), `serial` and `peer_serial` (parcels)."""

    __tablename__ = "outer_mark"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class OuterPacket(Base):
    """A packet on its way: closed to the other side, kept until it says that it took it."""

    __tablename__ = "outer_packet"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    at: Mapped[datetime]


class OuterProblem(Base):
    """Something a person must see: a parcel refused, or a packet set aside because taking it failed again and again.

    `side` is where it happened. A packet set aside here keeps its bytes, so that it can be taken once more.
    """

    __tablename__ = "outer_problem"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    side: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(200))
    number: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    times: Mapped[int] = mapped_column(default=1)
    settled_at: Mapped[datetime | None]


class OuterFile(Base):
    """Inside: a file of the portal as the outer side has it, or will have once it took what was written to it."""

    __tablename__ = "outer_file"

    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    changed: Mapped[int] = mapped_column(BigInteger)


class OuterRow(Base):
    """Inside: a row of the knowledge pack as the outer side has it, by the digest of what was sent."""

    __tablename__ = "outer_row"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))


class OuterPart(Base):
    """Outside: a part of something that is put in place only when it is whole."""

    __tablename__ = "outer_part"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(80), index=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class OuterTalk(Base):
    """Inside: a conversation that is held outside. `session` is its number there, `told` the last line sent there,
    `heard` the last packet from there that belongs to it, `state` what was last said about it."""

    __tablename__ = "outer_talk"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), primary_key=True, autoincrement=False)
    session: Mapped[int] = mapped_column(index=True)
    told: Mapped[int] = mapped_column(default=0)
    heard: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Text, default="")


class OuterSession(Base):
    """Outside: a citizen's session. Nothing he said stands here in plain words.

    `mark` tells him again (a fingerprint of his token, or of account and sender). `lock` is the public half of a key
    that only his token, or his identity on the platform, gives; lines and `memory` are closed to it. `heard` is his
    last packet.
    """

    __tablename__ = "outer_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None]
    mark: Mapped[str] = mapped_column(String(64), unique=True)
    lock: Mapped[bytes] = mapped_column(LargeBinary)
    memory: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10))
    ahead: Mapped[int] = mapped_column(default=0)
    expected: Mapped[int] = mapped_column(default=0, server_default="0")
    rated: Mapped[bool] = mapped_column(default=False)
    asked_rating: Mapped[bool] = mapped_column(default=False)
    lines: Mapped[int] = mapped_column(default=0)
    heard: Mapped[int] = mapped_column(default=0)
    touched_at: Mapped[datetime] = mapped_column(index=True)


class OuterLine(Base):
    """Outside: one thing said in a session of our own page, closed to the citizen's key."""

    __tablename__ = "outer_line"

    session_id: Mapped[int] = mapped_column(ForeignKey("outer_session.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class OuterHeard(Base):
    """Outside: a message that was here before, by a fingerprint; `answer` closed to what only a repeat brings again."""

    __tablename__ = "outer_heard"
    __table_args__ = (UniqueConstraint("mark"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(64))
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(index=True)


class OuterTicket(Base):
    """Outside: how a ticket stands, or what a browser chose; found and opened only by whoever brings its number or
    address again."""

    __tablename__ = "outer_ticket"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
