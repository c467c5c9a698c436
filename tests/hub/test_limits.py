"""How often one address may do something, and how long whoever is refused is to wait."""

from __future__ import annotations

import pytest

from hub import limits
from hub.limits import Limit, TooOften


def test_who_is_refused_is_told_when_the_oldest_act_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [100.0]
    monkeypatch.setattr(limits, "monotonic", lambda: moment[0])
    limit = Limit(2, 60.0)
    for at in (100.0, 130.0):
        moment[0] = at
        limit.take("one")
    moment[0] = 145.0
    limit.take("another")
    with pytest.raises(TooOften) as refused:
        limit.take("one")
    assert refused.value.wait == 15.0
    moment[0] += refused.value.wait
    limit.take("one")
