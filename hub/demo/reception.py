"""What the demo's two desks have: classes, ready words that another person approved, planned shifts.

Citizens reach the service centre; the social security desk takes what is handed on to it (转其他单位).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.team import classes, quick, shifts
from bot.team.models import QuickReply
from bot.team.quick import Wording
from bot.team.shifts import Plan
from kernel.people import Person, Viewer
from kernel.work import Work

PLANNED = timedelta(days=13)
By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

CLASSES = {
    "政务服务": ("户籍证件", "社保医保", "公积金", "企业开办", "不动产登记"),
    "城市管理": ("供水供电供暖", "道路路灯", "环境卫生", "噪声扰民"),
    "民生保障": ("教育入学", "就业创业", "养老助残"),
    "其他": ("意见建议", "非本市事项"),
}
SOCIAL_SECURITY = {
    "社会保险": ("参保登记", "缴费与补缴", "转移接续", "待遇领取"),
    "社会保障卡": ("申领补换", "挂失解挂"),
    "就业服务": ("失业登记", "补贴申领"),
}
WORDINGS = (
    Wording("开头问候", "nh", "{姓名称呼}您好，我是云江市政务服务中心的工作人员，您的问题我来为您核实。"),
    Wording("请补充地点", "dd", "为尽快转办，请告诉我具体地点（区、街道、门牌或路口）和发生的时间。"),
    Wording("已登记工单", "gd", "您反映的情况已登记，工单号 {工单号}，请凭编号和手机验证码在“我的”查询进度。"),
    Wording("保护个人信息", "gr", "请不要在对话中发送身份证号、银行卡号；需要核验时，工作人员会告诉您安全的方式。"),
)
SOCIAL_SECURITY_WORDINGS = (
    Wording(
        "转来问候", "nh", "{姓名称呼}您好，我是云江市人力资源和社会保障局的工作人员，您刚才说的情况我已看到，我来答复。"
    ),
    Wording("请补充参保信息", "cb", "请告诉我参保的险种、参保地和大概的起止年月，不要发送身份证号和社保卡号。"),
)


@dataclass(frozen=True)
class Desk:
    """A unit's desk: who writes its ready words, who approves them, keeps its classes and plans its shifts.

    Each shift: name, from, to, and the login of whoever is on it; one after another they cover day and night.
    """

    unit: str
    writer: str
    leader: str
    classes: Mapping[str, Sequence[str]]
    wordings: Sequence[Wording]
    shifts: Sequence[tuple[str, str, str, str]]


CENTRE = Desk(
    "service_centre",
    "wujiayi",
    "sunlihua",
    CLASSES,
    WORDINGS,
    (
        ("白班", "09:00", "17:00", "wujiayi"),
        ("中班", "17:00", "01:00", "zhengkai"),
        ("夜班", "01:00", "09:00", "sunlihua"),
    ),
)
DESKS = (
    CENTRE,
    Desk(
        "human_resources",
        "dingxiaotong",
        "caowenjing",
        SOCIAL_SECURITY,
        SOCIAL_SECURITY_WORDINGS,
        (("日班", "08:00", "20:00", "dingxiaotong"), ("夜班", "20:00", "08:00", "caowenjing")),
    ),
)


def furnish(by: By, desk: Desk, unit_id: int) -> None:
    """The writer's words, approved by the leader, who also keeps the classes."""
    with by(desk.writer) as (work, who):
        rows = [quick.write(work, who, unit_id, wording, own=False).id for wording in desk.wordings]
    with by(desk.leader) as (work, who):
        for row_id in rows:
            quick.approve(work, who, work.session.get_one(QuickReply, row_id))
        for name, below in desk.classes.items():
            top = classes.add(work, unit_id, name, None)
            for one in below:
                classes.add(work, unit_id, one, top.id)


def plan_shifts(by: By, desk: Desk, unit_id: int, zone: ZoneInfo) -> None:
    """Two weeks of shifts from now on: also what is left of one that began yesterday."""
    with by(desk.leader) as (work, _who):
        today = work.now.astimezone(zone).date()
        for name, begins, ends, login in desk.shifts:
            shift = shifts.add(work, unit_id, name, begins, ends)
            person = work.session.scalars(select(Person.id).where(Person.login == login)).one()
            days = (today + timedelta(days=more) for more in (-1, 0, 1))
            first = next(day for day in days if shifts.moments(shift, day, zone)[1] > work.now)
            shifts.plan(work, unit_id, Plan(shift.id, [person], first, today + PLANNED, workdays_only=False), zone)
