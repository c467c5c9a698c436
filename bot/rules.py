"""Rules of the office for its conversations: hours, limits, words of danger, whose desk answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import sensitive
from bot.states import TICKET_KINDS
from bot.team.models import Turn
from kernel.office_rules import Rule, Values, clock_time, declare, hour_of, number_between, value_of
from kernel.people import Unit
from kernel.workdays import Workdays, declared_days

OFFICE_CLOSES = time(17, 30)


def _days_by_kind(value: object) -> str:
    known = isinstance(value, dict) and set(value) <= set(TICKET_KINDS)
    fits = known and all(isinstance(days, int) and 0 < days <= 60 for days in value.values())  # type: ignore[attr-defined]  # It is a dict here.
    return "" if fits else "须为 {类别: 工作日数}，每类 1 到 60 天。"


def _words(value: object) -> str:
    fits = isinstance(value, list) and all(isinstance(word, str) and len(word) >= 2 for word in value)
    return "" if fits else "须为词语列表，每个词至少两个字。"


FAILURES = declare(Rule("bot.failures", 2, "机器人连续答不上几次后转人工", number_between(1, 10)))
MOST = declare(Rule("bot.most_per_minute", 30, "机器人一分钟最多答复同一市民几条消息", number_between(5, 600)))
AUTO_PROMOTE = declare(Rule("bot.auto_promote", True, "知识变更后的新模型通过检验即自动上线"))
GATE_TOP1 = declare(Rule("bot.gate_top1", 0.7, "新模型的检验题首选正确率下限", number_between(0, 1)))
GATE_CASES = declare(Rule("bot.gate_cases", 20, "至少有多少道检验题才按正确率把关", number_between(1, 10000)))
GATE_LOST = declare(Rule("bot.gate_lost", 0, "新模型最多允许几道原来答对的检验题不再答对", number_between(0, 1000)))
OPENS = declare(Rule("desk.opens", "09:00", "人工服务开始时间", clock_time))
CLOSES = declare(Rule("desk.closes", "17:30", "人工服务结束时间（与开始时间相同为全天）", clock_time))
EVERY_DAY = declare(Rule("desk.every_day", False, "节假日也有人工服务"))
DESK = declare(Rule("desk.unit", "", "由哪个单位的坐席接待（机构代码，空为账号所属单位）"))
HOTLINE = declare(Rule("desk.hotline", "12345", "告知市民的电话"))
REMIND = declare(Rule("desk.remind_minutes", 2, "市民等待多少分钟后再次提醒坐席", number_between(1, 120)))
WAIT_TOLD = declare(
    Rule("desk.wait_told_minutes", 5, "平台上的市民等待多少分钟后告知排队情况（0 为不告知）", number_between(0, 120))
)
WINDOW = declare(Rule("desk.window_minutes", 120, "平台允许答复的时间剩多少分钟时提醒坐席", number_between(5, 1440)))
IDLE = declare(Rule("desk.idle_minutes", 30, "市民多少分钟未说话后结束机器人会话", number_between(5, 2880)))
IDLE_WARNED = declare(Rule("desk.idle_warned_minutes", 5, "自动结束会话前多少分钟提醒市民", number_between(1, 60)))
RATING_DAYS = declare(
    Rule(
        "bot.rating_days",
        30,
        "平台上只由机器人接待的会话结束时请市民评价，同一市民几天内最多一次（0 为不请）",
        number_between(0, 365),
    )
)
DIALOGUE = declare(Rule("desk.dialogue_minutes", 15, "市民登记诉求时多少分钟未回复即结束登记", number_between(5, 120)))
URGENT_AGAIN = declare(Rule("urgent.again_minutes", 2, "紧急情况多少分钟无人处置再次告警", number_between(1, 60)))
URGENT_WORDS: Rule[list[str]] = declare(Rule("urgent.words", [], "另加的紧急词", _words))
SENSITIVE_WORDS: Rule[list[str]] = declare(
    Rule(
        "bot.sensitive_words",
        sensitive.DEFAULT,
        "市民提到即转人工的敏感话题词（机器人不答）",
        _words,
        "保存后以此处所写为准，代替系统默认的全部词语：增删请在系统默认的基础上改；写 [] 为不设敏感话题。",
        {topic.name: topic.phrases for topic in sensitive.TOPICS},
    )
)
TICKET_DAYS = declare(
    Rule(
        "ticket.days",
        {"咨询": 3, "求助": 3, "投诉": 5, "建议": 10, "举报": 5, "表扬": 10, "找错": 3, "回访": 5, "整改": 5},
        "工单答复期限（工作日）",
        _days_by_kind,
    )
)
RETURN_DAYS = declare(Rule("ticket.return_days", 2, "工单退单时限（工作日）", number_between(1, 30)))
EXTEND_DAYS = declare(Rule("ticket.extend_days", 10, "工单一次最多延期（工作日）", number_between(1, 60)))
EXTENSIONS = declare(Rule("ticket.extensions", 1, "一件工单最多延期几次", number_between(0, 10)))
SIGNED = declare(Rule("ticket.signed", True, "工单答复须由承办单位负责人审签"))
AGAIN_DAYS = declare(Rule("ticket.again_days", 5, "二次办理的答复期限（工作日）", number_between(1, 60)))
WARN_DAYS = declare(Rule("ticket.warn_days", 1, "工单到期前几个工作日提醒", number_between(0, 10)))
QUICK: Rule[list[str]] = declare(
    Rule(
        "desk.quick_replies",
        [
            "您好，请问还有什么可以帮您？",
            "请稍等，正在为您核实。",
            "请提供办理事项的名称和您所在的区县。",
            "为保护您的个人信息，请不要在此发送身份证号、银行卡号。",
            "感谢您的咨询，祝您生活愉快！",
        ],
        "坐席常用语（还没有快捷回复时显示）",
        _words,
    )
)
FILE_MEGABYTES = declare(
    Rule("desk.file_megabytes", 20, "市民在平台上发来的图片、语音、视频最大保留多少 MB", number_between(1, 100))
)
PICTURE_MEGABYTES = declare(
    Rule("chat.picture_megabytes", 5, "市民在门户问答中发送的一张图片最大多少 MB", number_between(1, 20))
)
FRESH = declare(Rule("callback.fresh_minutes", 10, "平台推送的时间戳允许偏差（分钟）", number_between(1, 1440)))


@dataclass(frozen=True)
class Hours:
    """When people answer, with the words citizens are told.

    `planned` are the shifts around now (day, begin, end): a day that has any follows them, every other the hours.
    """

    workdays: Workdays
    opens: time
    closes: time
    every_day: bool
    planned: Sequence[tuple[date, datetime, datetime]] = ()

    @property
    def usual(self) -> Workdays:
        """The hours of a day on which nothing is planned, to reckon with."""
        days = self.workdays
        return Workdays(days.zone, days.declared, self.opens, self.closes, every_day=self.every_day)

    @property
    def words(self) -> str:
        """The hours as citizens are told."""
        days = "每天" if self.every_day else "工作日"
        return f"{days}全天" if self.opens == self.closes else f"{days} {self.opens:%H:%M}—{self.closes:%H:%M}"

    def open_at(self, moment: datetime) -> bool:
        """Whether somebody answers at that moment; hours that end when they begin are around the clock."""
        local = moment.astimezone(self.workdays.zone)
        if any(starts <= moment < ends for _day, starts, ends in self.planned):
            return True
        if any(day == local.date() for day, _starts, _ends in self.planned):
            return False
        if not (self.every_day or self.workdays.is_workday(local.date())):
            return False
        if self.opens < self.closes:
            return self.opens <= local.time() < self.closes
        return self.opens == self.closes or local.time() >= self.opens or local.time() < self.closes


HOURS = (OPENS, CLOSES, EVERY_DAY)


def hours_of(session: Session, unit_id: int, zone: ZoneInfo, now: datetime, values: Values | None = None) -> Hours:
    """The hours of a unit's desk; `values` where its rules of `HOURS` have been read already."""
    values = values or Values(session, HOURS, unit_id, now)
    opens, closes, every_day = hour_of(values[OPENS]), hour_of(values[CLOSES]), bool(values[EVERY_DAY])
    # A deadline ends with an office day, also where the desk never closes.
    days = Workdays(zone, declared_days(session), opens, closes if closes > opens else OFFICE_CLOSES)
    return Hours(days, opens, closes, every_day, _planned(session, unit_id, now.astimezone(zone).date()))


def _planned(session: Session, unit_id: int, today: date) -> Sequence[tuple[date, datetime, datetime]]:
    near = (today - timedelta(days=1), today + timedelta(days=1))
    query = select(Turn.day, Turn.starts_at, Turn.ends_at).where(Turn.unit_id == unit_id, Turn.day.between(*near))
    return [(day, starts, ends) for day, starts, ends in session.execute(query.distinct())]


def desk_of(session: Session, unit_id: int, now: datetime) -> int:
    """The unit whose agents answer what comes in on accounts of this unit."""
    code = str(value_of(session, DESK, unit_id, now))
    found = session.scalar(select(Unit.id).where(Unit.code == code)) if code else None
    return found or unit_id


def ticket_days(session: Session, unit_id: int, kind: str, now: datetime) -> int:
    """The deadline of a ticket in working days."""
    days = value_of(session, TICKET_DAYS, unit_id, now)
    return int(days.get(kind, TICKET_DAYS.default[kind]))
