"""What one delivery to WeChat has reached, kept in its note so that no step is done twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from channels.base import Post

NOTE = "wechat"


@dataclass
class Progress:
    """Uploaded pictures (address by SHA-256) and covers (media id), those refused (reason), the draft and the job.

    `round` counts the jobs that the platform ended with a no: the next one needs another key, because a key is
    remembered for 24 hours whatever became of its job. `sent_seen` notes that the poll has seen the message go out;
    `handed_at` is when a mass message was first handed to the platform.
    """

    pictures: dict[str, str] = field(default_factory=dict)
    covers: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    draft: str = ""
    msg_data_id: int | None = None
    round: int = 0
    removed: bool = False
    sent_seen: bool = False
    handed_at: str = ""

    @classmethod
    def of(cls, post: Post) -> Progress:
        """What earlier attempts left in the note."""
        return cls(**post.note.get(NOTE, {}))

    def note(self) -> Mapping[str, Any]:
        """The note's new part."""
        return {NOTE: asdict(self)}

    def failed(self) -> Mapping[str, Any]:
        """The same, after the platform ended the job with a no."""
        self.round, self.draft, self.msg_data_id = self.round + 1, "", None
        self.sent_seen, self.handed_at = False, ""
        return self.note()

    def stamp(self, post: Post) -> str:
        """What marks this delivery at the platform: the same over all its attempts, another after a no."""
        return f"{post.key}-{self.round}" if self.round else post.key

    def remark(self, post: Post) -> str:
        """What a person should know of what readers see."""
        shown = {sha256: about for item in post.items for sha256, about in item.content.get("pictures", {}).items()}
        names = [str(shown.get(sha256, {}).get("alt") or "未命名") for sha256 in self.refused]
        if not names:
            return ""
        why = "、".join(dict.fromkeys(self.refused.values()))
        return f"有 {len(names)} 张图片未被平台接受，已从正文中去掉：{'、'.join(names)}（{why}）。"
