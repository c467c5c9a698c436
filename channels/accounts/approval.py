"""Standing words of an account (its menu, its prepared replies) are approved by somebody else than wrote them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from kernel.errors import XuandaError
from kernel.office_rules import Rule, declare, value_of
from kernel.people import Viewer


class OwnWords(XuandaError):
    """You wrote these words yourself. Somebody else who may sign must put them into force."""

    zh = "这是您自己写的内容，须由另一位有签发权限的人核准后生效。"
    status = 409


SECOND_PERSON = declare(Rule("account.second_person", True, "公众号菜单和自动回复须由另一人核准后生效"))


def must_be_another(session: Session, who: Viewer, unit_id: int, made_by: int | None, now: datetime) -> None:
    """Raises OwnWords for the person who wrote it, where the office asks for a second one."""
    if made_by == who.person_id and value_of(session, SECOND_PERSON, unit_id, now):
        raise OwnWords
