"""What an account's settings may change about the WeChat adapter; where sources disagree the harsher reading is meant.

Limits: developers.weixin.qq.com draft/add and media/uploadimg, and operators' measurements where they are stricter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True)
class Options:
    """Settings of one account. A unit is a half-width character; a Chinese one is two.

    `settle_minutes` is how long after a lost answer a draft that still lies in the box counts as being published.
    `prepare_seconds` is how long one attempt uploads before it lets the rest wait for the next, `act_within_seconds`
    how late in an attempt readers may still see an effect of it. `correction` is what
    happens to a published article when nobody chose: `by_hand`, `notice` or `republish`. `mode` is how the platform
    pushes to us (`plain`, `compat`, `secure`).
    """

    type: Literal["subscription", "service"] = "subscription"
    stable_access: bool = True
    confirm_mass_send: bool = False
    mode: Literal["plain", "compat", "secure"] = "plain"
    correction: str = "by_hand"
    open_comments: bool = False
    only_fans_comment: bool = False
    title_units: int = 64
    author_units: int = 16
    digest_units: int = 240
    body_characters: int = 20_000
    body_bytes: int = 1_000_000
    source_url_bytes: int = 1024
    articles: int = 8
    picture_bytes: int = 1_000_000
    material_bytes: int = 10_000_000
    mass_per_day: int = 1
    mass_per_month: int = 4
    mass_calls_per_day: int = 100
    datacube_per_day: int = 500
    prepare_seconds: float = 10.0
    act_within_seconds: float = 20.0
    settle_minutes: float = 10.0
    reply_bytes: int = 2048

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Options:
        """The options among an account's settings; others are not ours."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})
