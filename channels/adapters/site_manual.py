"""集约化平台 without an interface: people put the pages there by hand, and it is the office's site all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from channels.abilities.own_domains import EXPECTED_DOMAINS, OnOwnDomains
from channels.adapters import field_maps as fields
from channels.adapters.manual import ManualChannel
from channels.base import ByHand, Limits, Post, Problem, Setting, check_lengths


class SiteManualChannel(ManualChannel, OnOwnDomains):
    """Settings: `platform` and `steps` as for every platform by hand, `domains`, where its pages stand, and `columns`,
    what our columns are called there."""

    name: ClassVar[str] = "site_manual"
    label: ClassVar[str] = "集约化网站（人工录入）"
    limits: ClassVar[Limits] = replace(
        ManualChannel.limits,
        by_column=True,
        notes=(
            "到点生成人工录入任务：把任务页的标题、正文和图片录入本单位网站所在的平台，再回填网页地址。",
            "回填的网址就是稿件的网页：微信“阅读原文”、微博链接、站内检索和 App 都指向它。",
        ),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("platform", "平台名称", required=True, help="例如 云江市政府网站集约化平台。"),
        Setting("steps", "操作步骤", help="在该平台后台怎么录入，显示在任务页。"),
        EXPECTED_DOMAINS,
        Setting(
            "columns",
            "栏目对照",
            "lines",
            help="每行一项：本系统栏目标识=该平台的栏目，如 notices=政务公开/通知公告；不填则用本系统的栏目名称。",
        ),
    )

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """One piece at a time, in a column that the platform has."""
        return [*check_lengths(cls.limits, post), *fields.account_problems(settings, post)]

    def publish(self, post: Post) -> ByHand:
        """Becomes a person's task, which names the column there. In a rehearsal no page comes of it."""
        proof = "链接或截图" if self.account.rehearsal else "网页地址"
        return ByHand(self._task(f"录入到栏目“{self._column(post)}”", proof))

    def _column(self, post: Post) -> str:
        column: Mapping[str, Any] = post.items[0].content.get("column") or {}
        theirs = dict(fields.pairs(self.account.settings.get("columns")))
        return str(theirs.get(str(column.get("slug", ""))) or column.get("name") or "")
