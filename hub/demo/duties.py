"""What the demo office owes by a deadline: an authority's feed is watched, played by the rehearsal platforms."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from channels.rehearsal.config import Authority, AuthorityItem
from kernel.people import Viewer
from kernel.work import Work
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
