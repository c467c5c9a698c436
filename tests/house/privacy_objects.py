"""Requests about a citizen's own data for the routes that decide them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.models import Conversation
from bot.personal import requests
from bot.personal.models import DataRequest
from bot.personal.states import RequestKind
from bot.personal.subject import Subject, of_conversation
from hub.settings import Settings
from kernel.people import Unit
from kernel.seal import Seal, load_key
from kernel.work import Work
from tests.house.citizen_objects import a_conversation
from tests.house.target import Target


def _seal(work: Work) -> Seal:
    """The seal of the hub under test, whose key lies beside its database."""
    folder = Path(str(work.session.get_bind().engine.url.database)).parent
    return Seal(load_key(Settings(data=folder).key_file))


def a_request(work: Work, unit: Unit) -> Target:
    """A request that waits for a decision of the unit."""
    conversation = work.session.get_one(Conversation, a_conversation(work, unit).params["conversation_id"])
    subject = Subject(identities=[of_conversation(conversation)])
    made = requests.ask(work, _seal(work), RequestKind.COPY, subject, unit.id, ZoneInfo("Asia/Shanghai"))
    form = {"reason": "当面核验身份证原件", "words": "无法核实为本人", "belongs": "0"}
    return Target({"request_id": made.id}, form=form)


def a_granted_copy(work: Work, unit: Unit) -> Target:
    """A copy that was granted."""
    target = a_request(work, unit)
    found = work.session.get_one(DataRequest, target.params["request_id"])
    requests.grant(work, _seal(work), found, Subject(), "当面核验身份证原件")
    return replace(target, form={})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/citizens/{request_id}": a_request,
    "/console/citizens/{request_id}/grant": a_request,
    "/console/citizens/{request_id}/decline": a_request,
    "/console/citizens/{request_id}/copy": a_granted_copy,
}

OF_NOBODY: dict[str, str] = {
    "/console/citizens/copy/{token}": "a link of one person and one hour is the proof, then the unit",
    "/mine/copy/{request_id}": "the telephone that asked is the proof, not a unit",
}
