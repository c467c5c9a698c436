"""人工发布: platforms without an interface for us. A person publishes with the prepared text and pastes the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.base import ByHand, Channel, Limits, Post, Problem, Setting, Uncorrectable, check_lengths


class ManualChannel(Channel, Rehearsing):
    """Settings: `platform` (its name, such as 今日头条) and `steps`, what the person is to do there."""

    name: ClassVar[str] = "manual"
    label: ClassVar[str] = "人工发布"
    limits: ClassVar[Limits] = Limits(
        style="article",
        can=frozenset({"correct", "withdraw", "refresh"}),
        notes=("到点生成人工发布任务：按任务页的标题、正文和图片到平台发布，再回填链接或截图。",),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("platform", "平台名称", required=True, help="例如 今日头条。"),
        Setting("steps", "操作步骤", help="在该平台上怎么做，显示在任务页。"),
    )

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """One piece at a time."""
        return check_lengths(cls.limits, post)

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """The same task for a person, who is told that it is a rehearsal."""
        steps = "演练任务：只核对素材与步骤，不要真的发布；完成后上传任意截图。"
        return StandIn(settings={**seed.settings, "steps": steps})

    def publish(self, post: Post) -> ByHand:
        """Becomes a person's task."""
        return ByHand(self._task("发布"))

    def correct(self, post: Post) -> Uncorrectable:
        """Becomes a person's task, with the old words and the new."""
        return Uncorrectable(self._task("更正"), by_hand=True)

    def withdraw(self, post: Post) -> Uncorrectable:
        """Becomes a person's task."""
        return Uncorrectable(self._task("撤稿"), by_hand=True)

    def _task(self, act: str) -> str:
        platform = str(self.account.settings.get("platform") or self.account.name)
        steps = str(self.account.settings.get("steps") or "")
        return f"请到“{platform}”{act}，完成后回填链接或截图。{steps}"
