"""人工发布: platforms without an interface for us. A person publishes with the prepared text and pastes the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.base import Action, ByHand, Channel, Limits, Post, Problem, Setting, Uncorrectable, check_lengths


class ManualChannel(Channel, Rehearsing):
    """Settings: `platform` (its name, such as 今日头条), `steps`, what the person is to do there, and `lasting`, where
    what was printed or broadcast stays as it is."""

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
        Setting(
            "lasting",
            "印出、播出后不能修改",
            "flag",
            "报纸、电视、广播等勾选：有效性变化不再生成任务，更正和撤稿改为另行刊播。",
        ),
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

    @classmethod
    def able(cls, settings: Mapping[str, Any]) -> frozenset[Action]:
        """A label can be changed on a page, not on paper nor in what was broadcast."""
        return frozenset(act for act in cls.limits.can if act != "refresh" or not settings.get("lasting"))

    def reconcile(self, post: Post) -> Uncorrectable | ByHand:
        """Nothing ever left by itself: whatever was lost, there is a task."""
        if post.action == "withdraw":
            return self.withdraw(post)
        return self.correct(post) if post.action in ("correct", "refresh") else self.publish(post)

    def correct(self, post: Post) -> Uncorrectable:
        """Becomes a person's task, with the old words and the new; a changed label is named, no other word changes."""
        if post.action == "refresh":
            return Uncorrectable(self._task(_relabelling(post)), by_hand=True)
        return Uncorrectable(self._task(f"{'刊播更正' if self._lasting else '更正'}{_label_now(post)}"), by_hand=True)

    def withdraw(self, post: Post) -> Uncorrectable:
        """Becomes a person's task."""
        return Uncorrectable(self._task("刊播撤稿说明" if self._lasting else "撤稿"), by_hand=True)

    @property
    def _lasting(self) -> bool:
        return bool(self.account.settings.get("lasting"))

    def _task(self, act: str, proof: str = "链接或截图") -> str:
        platform = str(self.account.settings.get("platform") or self.account.name)
        steps = str(self.account.settings.get("steps") or "")
        return f"请到“{platform}”{act}，完成后回填{proof}。{steps}"


def _label_now(post: Post) -> str:
    told = post.items[0].relabelled
    return f"（有效性标注用“{told.now}”）" if told is not None and told.signed != told.now else ""


def _relabelling(post: Post) -> str:
    told = post.items[0].relabelled
    if told is None:
        return "按任务页核对要素和链接，正文不改"
    reason = f"（{told.note.rstrip('。')}）" if told.note else ""
    if told.signed == told.now:
        return f"把有效性标注恢复为签发时的“{told.now}”{reason}，正文不改"
    return f"把有效性标注由“{told.signed}”改为“{told.now}”{reason}，正文不改"
