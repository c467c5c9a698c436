"""What the demo office owes by a deadline: an authority's feed is watched, and a rumour waits for a response."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from channels.rehearsal.config import Authority, AuthorityItem
from kernel.people import Viewer
from kernel.work import Work
from scheduler.opinion import cases
from scheduler.opinion.cases import Clue, Judgement
from scheduler.opinion.models import OpinionCase
from scheduler.reposting import feeds
from scheduler.reposting.feeds import Watch

By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

FEED_PATH = "/authority/rss.xml"
AUTHORITY = Authority(
    name="云省人民政府",
    items=[
        AuthorityItem(
            title="省政府办公厅印发《全省今冬明春供暖保障工作方案》",
            hours_ago=0.5,
            text="近日，省政府办公厅印发《全省今冬明春供暖保障工作方案》，要求各地在11月底前完成热源储备和管网检修。\n"
            "方案明确，对群众反映的供暖问题，有关单位应当在24小时内联系并处理。",
        ),
        AuthorityItem(
            title="全省政务服务“一件事”清单新增12项",
            hours_ago=5,
            text="省政务服务管理局公布第四批“一件事”清单，新增出生、入学、就业等12项，自下月起在各市政务服务中心办理。",
        ),
        AuthorityItem(
            title="省政府召开常务会议 部署防范低温雨雪冰冻灾害",
            hours_ago=22.5,
            text="会议强调，要加强监测预警，落实值班值守，保障交通、电力、供水和通信畅通。\n会议还研究了其他事项。",
        ),
        AuthorityItem(
            title="省政府关于公布第七批省级文物保护单位的通知",
            hours_ago=90,
            text="现将第七批省级文物保护单位予以公布，请做好保护、管理工作。",
        ),
    ],
)


def owe(by: By, author: str, unit_id: int, column_id: int, account_ids: Collection[int], rehearsal_url: str) -> None:
    """Watches the authority's feed for these accounts."""
    with by(author) as (work, who):
        watch = Watch("省政府网要闻（演示）", f"{rehearsal_url}{FEED_PATH}", column_id, account_ids, hours=24)
        feeds.add(work, who, unit_id, watch)


def hear(by: By, reporter: str, judge: str, unit_id: int) -> None:
    """A rumour was reported and judged; the response is still to be written."""
    with by(reporter) as (work, who):
        clue = Clue(
            title="网传“本周六全市停水三天”",
            source="云江本地论坛",
            words="有帖子称“接内部消息，本周六起全市停水三天，大家赶紧囤水”，转发较多，超市桶装水销量上升。",
            found_at=work.now,
            url="https://bbs.yunjiang.example/thread-1001.html",
            reporter="孙丽华",
        )
        case = cases.report(work, who, unit_id, clue)
    with by(judge) as (work, who):
        said = Judgement("IV", responds=True, reason="经核实为不实信息，供水公司无停水计划，应公开澄清。")
        cases.judge(work, who, work.session.get_one(OpinionCase, case.id), said)
