"""快捷回复 in the console: kept, approved by another, picked in a conversation, and refused with the field named."""

from __future__ import annotations

from sqlalchemy import select

from bot import gateway
from bot.models import Conversation
from bot.states import ConversationState
from bot.team.models import QuickReply
from kernel.people import Role
from tests.hub.office import Office

LIST = "/console/quick-replies"


def test_a_reply_is_written_approved_and_stands_beside_the_answer(office: Office) -> None:
    office.hire("agent", "north", Role.AGENT)
    office.hire("boss", "north", Role.SUPERVISOR)
    with office.hub.works.write() as work:
        north = office.unit("north").id
        talk = gateway.begin(work, unit_id=north, account_id=None, channel="portal", sender="probe")
        talk.state, talk.waiting_since = ConversationState.WAITING, work.now
        page = f"/console/desk/{talk.id}"
    agent, boss = office.desk_of("agent"), office.desk_of("boss")
    assert "请稍等，正在为您核实。" in agent.get(page).text  # The rules' own words, while nobody has kept any.
    refused = agent.send_form(LIST, title="告知", code="gd", text="{单号}已登记", whose="unit")
    assert refused.status_code == 422
    assert "没有“{单号}”这个变量" in refused.text
    assert "{单号}已登记" in refused.text
    agent.send_form(LIST, title="告知", code="gd", text="工单{工单号}由{部门}办理。", whose="unit")
    with office.hub.works.read() as work:
        row = work.session.scalars(select(QuickReply)).one()
    assert agent.send_form(f"{LIST}/{row.id}/approve").status_code == 403
    assert "待核准" in boss.get(f"{LIST}?show=waiting").text
    boss.send_form(f"{LIST}/{row.id}/approve")
    text = agent.get(page).text
    assert 'data-code="gd"' in text
    assert "工单{工单号}由北区办理。" in text
    assert "缺工单号" in text
    answer = agent.send_form(f"{page}/answer", text="工单{工单号}由北区办理。")
    assert answer.status_code == 422
    assert "{工单号}还没有内容" in answer.text
    with office.hub.works.read() as work:
        assert work.session.scalars(select(Conversation.state)).one() == ConversationState.WAITING
    agent.send_form(f"{LIST}/{row.id}", title="告知", code="gd", text="改过的话。")
    assert "改过的话。" not in agent.get(page).text
    agent.send_form(f"{LIST}/{row.id}/remove")
    assert agent.get(f"{LIST}/{row.id}").status_code == 404
