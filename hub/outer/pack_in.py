"""Outside: the knowledge pack taken, a whole version in one commit; until then, and after a failure, the last holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Table, delete, inspect, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.accounts.store import set_credentials
from hub.outer.errors import BadParcel
from hub.outer.models import OuterPart
from hub.outer.pack_out import PARTS
from hub.outer.packets import Packet
from kernel.model import Base, UtcDateTime
from kernel.seal import Seal
from kernel.work import Work

STAGED = "pack"
_TABLES: dict[str, type[Base]] = {part.table.__tablename__: part.table for part in PARTS}


@dataclass(frozen=True)
class PackTaker:
    """`learned` is told after each version: what answers from memory reads anew."""

    seal: Seal
    learned: Callable[[], None]

    def take_rows(self, work: Work, packet: Packet) -> None:
        """Keeps rows until their version is whole."""
        if int(packet.values["part"]) == 0:
            work.session.execute(delete(OuterPart).where(OuterPart.what == STAGED))
        work.session.add(OuterPart(what=STAGED, data=packet.data))

    def apply(self, work: Work, packet: Packet) -> None:
        """Puts a version in force."""
        parts = work.session.scalars(select(OuterPart).where(OuterPart.what == STAGED).order_by(OuterPart.id)).all()
        wanted = int(packet.values["parts"])
        if wanted and len(parts) != wanted:
            raise BadParcel(why=f"知识包不完整：应有 {wanted} 部分，实有 {len(parts)}。")
        for part in parts[:wanted]:
            for table, values in _rows(part.data):
                _put(work.session, table, values)
        for name in packet.values["drop"]:
            _drop(work.session, str(name))
        work.session.execute(delete(OuterPart).where(OuterPart.what == STAGED))
        work.after_commit(self.learned)

    def take_keys(self, work: Work, packet: Packet) -> None:
        """What an account hears with, closed at once with this machine's own key."""
        account = work.session.get(Account, int(packet.values["account"]))
        if account is None:
            raise BadParcel(why="知识包中没有这个账号。")
        keys = {str(name): str(value) for name, value in packet.values["keys"].items()}
        set_credentials(work, self.seal, account, keys)


def _rows(data: bytes) -> Iterator[tuple[Table, dict[str, Any]]]:
    for line in data.splitlines():
        name, values = json.loads(line)
        yield _table(name), {key: _read(_table(name), key, value) for key, value in values.items()}


def _put(session: Session, table: Table, values: dict[str, Any]) -> None:
    (key,) = table.primary_key.columns
    changed = session.execute(update(table).where(key == values[key.name]).values(**values))
    if changed.rowcount == 0:  # type: ignore[attr-defined]  # An update has one.
        mapper = next(one for one in _TABLES.values() if one.__table__ is table)
        session.add(mapper(**values))
        session.flush()


def _drop(session: Session, name: str) -> None:
    table_name, _slash, key = name.partition("/")
    table = _table(table_name)
    (column,) = table.primary_key.columns
    session.execute(delete(table).where(column == (date.fromisoformat(key) if "-" in key else int(key))))


def _table(name: str) -> Table:
    if name not in _TABLES:
        raise BadParcel(why=f"知识包含有不认识的表 {name}，两端版本可能不同。")
    table: Table = inspect(_TABLES[name]).local_table  # type: ignore[assignment]  # Each of ours is a table.
    return table


def _read(table: Table, name: str, value: Any) -> Any:
    if name not in table.c:
        raise BadParcel(why=f"知识包含有不认识的列 {table.name}.{name}，两端版本可能不同。")
    kind = table.c[name].type
    if isinstance(kind, UtcDateTime) and value is not None:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) and value is not None else value
