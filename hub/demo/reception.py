"""What the demo's service centre has at its desk: classes, ready words that another person approved, planned shifts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.team import classes, quick, shifts
from bot.team.models import QuickReply
from bot.team.quick import Wording
from bot.team.shifts import Plan
from kernel.people import Person, Viewer
from kernel.work import Work

# The desk is open day and night; each shift with whoever is on it.
SHIFTS = (
    ("白班", "09:00", "17:00", "wujiayi"),
    ("中班", "17:00", "01:00", "zhengkai"),
    ("夜班", "01:00", "09:00", "sunlihua"),
)
PLANNED = timedelta(days=13)
By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

CLASSES = {
    "政务服务": ("户籍证件", "社保医保", "公积金", "企业开办", "不动产登记"),
    "城市管理": ("供水供电供暖", "道路路灯", "环境卫生", "噪声扰民"),
    "民生保障": ("教育入学", "就业创业", "养老助残"),
    "其他": ("意见建议", "非本市事项"),
}
WORDINGS = (
    Wording("开头问候", "nh", "{姓名称呼}您好，我是云江市政务服务中心的工作人员，您的问题我来为您核实。"),
    Wording("请补充地点", "dd", "为尽快转办，请告诉我具体地点（区、街道、门牌或路口）和发生的时间。"),
    Wording("已登记工单", "gd", "您反映的情况已登记，工单号 {工单号}，请凭编号和手机验证码在“我的”查询进度。"),
    Wording("保护个人信息", "gr", "请不要在对话中发送身份证号、银行卡号；需要核验时，工作人员会告诉您安全的方式。"),
)


def furnish(by: By, writer: str, approver: str, unit_id: int) -> None:
    """The writer's words, approved by the approver, who also keeps the classes."""
    with by(writer) as (work, who):
        rows = [quick.write(work, who, unit_id, wording, own=False).id for wording in WORDINGS]
    with by(approver) as (work, who):
        for row_id in rows:
            quick.approve(work, who, work.session.get_one(QuickReply, row_id))
        for name, below in CLASSES.items():
            top = classes.add(work, unit_id, name, None)
            for one in below:
                classes.add(work, unit_id, one, top.id)


def plan_shifts(by: By, planner: str, unit_id: int, zone: ZoneInfo) -> None:
    """Two weeks of shifts from today on; one that is over for today begins tomorrow."""
    with by(planner) as (work, _who):
        today = work.now.astimezone(zone).date()
        for name, begins, ends, login in SHIFTS:
            shift = shifts.add(work, unit_id, name, begins, ends)
            person = work.session.scalars(select(Person.id).where(Person.login == login)).one()
            over = shifts.moments(shift, today, zone)[1] <= work.now
            first = today + timedelta(days=1) if over else today
            shifts.plan(work, unit_id, Plan(shift.id, [person], first, today + PLANNED, workdays_only=False), zone)
