"""Audiences together: one that names all who were addressed, no more and no less, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from channels.adapters.jpush import JPushChannel


@pytest.mark.parametrize(
    ("sent", "together"),
    [
        ([{"tag": ["老人"]}], {"tag": ["老人"]}),
        ([{"tag": ["老人"]}, {}], {}),
        ([{"tag": ["老人"]}, {"tag": ["学生", "老人"]}], {"tag": ["老人", "学生"]}),
        (
            [{"tag": ["老人"], "tag_not": ["停用"]}, {"tag": ["学生"], "tag_not": ["停用"]}],
            {"tag": ["老人", "学生"], "tag_not": ["停用"]},
        ),
        ([{"tag": ["老人"]}, {"alias": ["wang"]}], None),
        ([{"tag_and": ["老人"]}, {"tag_and": ["学生"]}], None),
        ([{"tag": [f"甲{n}" for n in range(15)]}, {"tag": [f"乙{n}" for n in range(15)]}], None),
    ],
)
def test_several_audiences_as_one(sent: Sequence[Mapping[str, Any]], together: Mapping[str, Any] | None) -> None:
    assert JPushChannel.audience_of_all(sent) == together
