"""政策解读: an explanation of a policy, linked to it."""

from __future__ import annotations

from content.kinds.base import FieldSpec, Kind

KIND = Kind(
    name="interpretation",
    label="政策解读",
    position=40,
    fields=(
        FieldSpec(
            "policy_number",
            "解读文件的发文字号",
            required=True,
            limit=60,
            help="与政策文件的发文字号一致，页面会互相链接",
        ),
        FieldSpec("interpreter", "解读人", limit=60),
    ),
)
