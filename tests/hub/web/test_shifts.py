"""班次 in the console: planned by the supervisor, breaks, and a hand-over from one agent to the other."""

from __future__ import annotations

import html
import re

from sqlalchemy import select

from bot import gateway, tickets
from bot.models import Conversation
from bot.states import ConversationState
from bot.team.models import Handover, Shift, Turn
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import Office

PAGE = "/console/shifts"


def test_a_week_is_planned_and_a_hand_over_taken(office: Office) -> None:
    first, second = (office.hire(login, "north", Role.AGENT) for login in ("first", "second"))
    office.hire("boss", "north", Role.SUPERVISOR)
    boss, agent = office.desk_of("boss"), office.desk_of("first")
    assert "还没有班次" in agent.get(PAGE).text
    assert agent.send_form(PAGE, name="早班", begins="09:00", ends="12:00").status_code == 403
    assert "时间，例如 08:30" in boss.send_form(PAGE, name="早班", begins="9点", ends="12:00").text
    boss.send_form(PAGE, name="早班", begins="09:00", ends="12:00")
    with office.hub.works.read() as work:
        shift = work.session.scalars(select(Shift.id)).one()
        today = work.now.date()
    span = {"shift": shift, "first": str(today), "last": str(today), "workdays": "1"}
    refused = boss.send_form(f"{PAGE}/plan", **span)
    assert "请至少选择一名本单位的坐席" in refused.text
    boss.send_form(f"{PAGE}/plan", **span, people=[first.id, second.id])
    assert "first某" in agent.get(PAGE).text
    with office.hub.works.read() as work:
        turn = work.session.scalars(select(Turn).where(Turn.person_id == second.id)).one()
    boss.send_form(f"{PAGE}/turns/{turn.id}/remove")
    with office.hub.works.write() as work:
        assert work.session.scalars(select(Turn.person_id)).all() == [first.id]
        talk = gateway.begin(work, unit_id=turn.unit_id, account_id=None, channel="portal", sender="probe")
        talk.state, talk.agent_id = ConversationState.OPEN, first.id
    agent.send_form(f"{PAGE}/presence", state="on")
    agent.send_form(f"{PAGE}/presence", state="break", reason="用餐", back="desk")
    assert "用餐" in agent.get("/console/desk").text
    assert agent.send_form(f"{PAGE}/presence", state="away").headers["location"].startswith(f"{PAGE}/handover")
    assert "probe" in agent.get(f"{PAGE}/handover").text
    agent.send_form(f"{PAGE}/handover", to=str(second.id), note="等住建局回电")
    other = office.desk_of("second")
    with office.hub.works.read() as work:
        made = work.session.scalars(select(Handover.id)).one()
        assert work.session.scalars(select(Conversation.agent_id)).one() == second.id
    assert f"{PAGE}/handovers/{made}" in other.get("/console/desk").text
    assert "等住建局回电" in other.get(f"{PAGE}/handovers/{made}").text
    other.send_form(f"{PAGE}/handovers/{made}/take")
    assert f"{PAGE}/handovers/{made}" not in other.get("/console/desk").text


def test_the_board_shows_who_waits_and_who_is_there(office: Office, clock: StillClock) -> None:
    agent = office.hire("agent", "north", Role.AGENT)
    office.hire("boss", "north", Role.SUPERVISOR)
    office.desk_of("agent").send_form(f"{PAGE}/presence", state="on")
    with office.hub.works.write() as work:
        for name in ("waits", "talks", "elsewhere"):
            unit = office.unit("south" if name == "elsewhere" else "north").id
            talk = gateway.begin(work, unit_id=unit, account_id=None, channel="portal", sender=name)
            talk.state, talk.waiting_since = ConversationState.WAITING, work.now
            if name == "talks":
                talk.state, talk.agent_id = ConversationState.OPEN, agent.id
        fire = {"unit_id": office.unit("north").id, "kind": "求助", "zone": office.hub.settings.office_zone}
        tickets.make(work, text="楼下着火了没人管", **fire)
        tickets.make(work, text="路灯坏了三天", **fire)
    clock.step(minutes=7)
    boss = office.desk_of("boss")
    text = boss.get("/console/board/now").text
    row = re.findall(r'data-label="([^"]+)"[^>]*>(.*?)</td>', text, re.DOTALL)
    told = [(label, re.sub(r"<[^>]+>", "", value).strip()) for label, value in row]
    assert told[:3] == [("单位", "北区"), ("等待接入", "1"), ("最长等待（分钟）", "7")]
    assert ("坐席", "agent某") in told
    assert ("紧急工单", "1") in told
    links = [html.unescape(one) for one in re.findall(r'class="figures"><a href="([^"]+)"', text)]
    assert links == [
        f"/console/conversations?state=waiting&days=all&unit={agent.unit_id}",
        f"/console/tickets?state=danger&unit={agent.unit_id}",
    ]
    behind = [boss.get(link).text for link in links]
    assert len(re.findall(r'href="/console/desk/\d+"', behind[0])) == 1
    assert "楼下着火了没人管" in behind[1]
    assert "路灯坏了三天" not in behind[1]
    assert [value for label, value in told if label == "接待中"] == ["1"]
    assert "南区" not in text
    assert office.desk_of("agent").get("/console/board").status_code == 403


def test_the_supervisor_says_what_agents_know(office: Office) -> None:
    agent = office.hire("agent", "north", Role.AGENT)
    office.hire("boss", "north", Role.SUPERVISOR)
    stranger = office.hire("stranger", "south", Role.AGENT)
    boss = office.desk_of("boss")
    kept = {"person": str(agent.id), "topics": "户籍、社保"}
    assert office.desk_of("agent").send_form(f"{PAGE}/topics", **kept).status_code == 403
    assert "请选择本单位的坐席" in boss.send_form(f"{PAGE}/topics", **{**kept, "person": str(stranger.id)}).text
    elsewhere = boss.send_form(f"{PAGE}/topics", **kept, unit=str(office.unit("south").id))
    assert elsewhere.status_code == 404
    boss.send_form(f"{PAGE}/topics", **kept)
    page = boss.get(PAGE).text
    assert "户籍、社保" in page
    # Nobody's form is shown before somebody is chosen, so that none is saved empty over what he has.
    assert 'name="topics"' not in page
    (link,) = re.findall(rf'href="([^"]+person={agent.id}#topic-form)"', page)
    chosen = boss.get(html.unescape(link)).text
    assert f'name="person" value="{agent.id}"' in chosen
    assert 'name="topics" type="text" value="户籍、社保"' in chosen
    assert 'name="topics"' not in boss.get(f"{PAGE}?person={stranger.id}").text
    assert (
        "最多 20 个专长"
        in boss.send_form(
            f"{PAGE}/topics", person=str(agent.id), topics="、".join("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌")
        ).text
    )
    boss.send_form(f"{PAGE}/topics", person=str(agent.id), topics="")
    assert "还没有设置专长" in boss.get(PAGE).text
