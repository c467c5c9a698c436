"""What each figure on the manager's pages means: one entry per metric."""

from __future__ import annotations

from dataclasses import dataclass

from templates.catalogue import _


@dataclass(frozen=True)
class Metric:
    """A figure's name, Chinese label and unit, the question it answers, and how it is worked out."""

    name: str
    label: str
    unit: str
    question: str
    formula: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "reads",
            _("阅读次数"),
            _("次"),
            _("这篇稿件在该渠道被打开了多少次？"),
            _("门户网站为本站计数；其他渠道为平台自发布以来的累计数。各渠道口径不同，不相加，也不当作人数。"),
        ),
        Metric(
            "led_here",
            _("带来访问"),
            _("次"),
            _("该渠道的链接为门户带来多少次访问？"),
            _("带有该渠道来源标记的门户页面打开次数。"),
        ),
        Metric(
            "on_time",
            _("十秒内发出率"),
            "%",
            _("到点的稿件是否及时发出？"),
            _("首次调用平台距预定时间不超过 10 秒的任务数除以已调用平台的任务数；到点未调用的另列为超时。"),
        ),
        Metric(
            "lateness_p95",
            _("时延（95 分位）"),
            _("秒"),
            _("最慢的那些晚了多久？"),
            _("到点任务首次调用平台的时刻减预定时间，取 95 分位。"),
        ),
        Metric(
            "tickets_in_time",
            _("按期答复率"),
            "%",
            _("应答复的工单，有多少在期限内答复了？"),
            _("期限前答复的工单占已答复与现已超期工单的百分比；批准延期的按新期限，二次办理的按最近一次。"),
        ),
        Metric(
            "tickets_content",
            _("回访满意率"),
            "%",
            _("办结后回访到的市民，有多少满意？"),
            _("最近一次回访结果为满意的工单占回访到的工单的百分比；未联系上的不计。"),
        ),
        Metric(
            "first_response",
            _("首次响应时间"),
            _("分钟"),
            _("市民转人工后，多久得到坐席的第一句答复？"),
            _("从转人工起到坐席首次答复止，只计工作时间，不含机器人应答时间；取中位数。"),
        ),
        Metric(
            "resolution",
            _("办结时间"),
            _("分钟"),
            _("转人工的会话多久办结？"),
            _("从转人工起到会话结束止，只计工作时间；取中位数。"),
        ),
        Metric(
            "bot_share",
            _("机器人独立解答率"),
            "%",
            _("多少会话没有转人工？"),
            _("未转人工即结束的会话数除以全部结束的会话数。"),
        ),
        Metric(
            "satisfaction",
            _("满意率"),
            "%",
            _("市民对服务满意吗？"),
            _("评价为非常满意、满意、基本满意的次数除以评价总次数。"),
        ),
        Metric(
            "service_satisfaction",
            _("好差评满意率"),
            "%",
            _("办事群众对事项满意吗？"),
            _("评价为非常满意、满意、基本满意的次数除以关联了办事事项的评价总次数。"),
        ),
        Metric(
            "set_right_in_time",
            _("差评按期整改率"),
            "%",
            _("差评是否按期回访整改？"),
            _("期限内办结的整改件数除以已办结和已超期件数之和；未到期的不计。"),
        ),
        Metric(
            "comments_in_time",
            _("评论按期答复率"),
            "%",
            _("市民的评论是否在期限内得到答复？"),
            _("近 30 天到期（或已答复）的评论中，在答复期限内答复的占比；标为无需答复的、到期前已删除的不计。"),
        ),
        Metric(
            "reposts_in_time",
            _("转载按时率"),
            "%",
            _("上级发布的重要信息是否在时限内转载？"),
            _("时限内转载的任务数除以已转载和已超期任务数之和；未到期的和标为不适用的不计。"),
        ),
        Metric(
            "opinion_in_time",
            _("舆情按期回应率"),
            "%",
            _("舆情是否在规定时限内得到回应？"),
            _("首次回应和新闻发布会都未超时限的舆情数除以已回应和已超时限的舆情数；不予回应的、未到期的不计。"),
        ),
        Metric("silence", _("栏目静默天数"), _("天"), _("哪些栏目久未更新？"), _("今天减该栏目最近一次首发日期。")),
    )
}
