"""A piece that shows in several articles of one account is taken back wherever it shows."""

from __future__ import annotations

from channels.base import Live
from tests.channels.harness import placed_by
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import WeChatMassSide, WeChatPublishSide


def test_a_withdrawal_takes_back_the_notice_of_correction_and_what_it_corrected(rehearsed: Rehearsal) -> None:
    side = WeChatMassSide(rehearsed)
    live = side.deliver().live
    noticed = side.act(live, "correct", note={"correction": "notice"}).live
    assert len(noticed.shown[1].data["earlier"]) == 1
    end = side.act(noticed, "withdraw").end
    assert isinstance(end, Live)
    assert "卡片仍在" in end.remark
    assert (len(rehearsed.ledger("mass_deleted")), len(rehearsed.ledger("publish_deleted"))) == (1, 1)
    side.close()


def test_what_was_published_again_after_deletion_stands_alone(rehearsed: Rehearsal) -> None:
    side = WeChatPublishSide(rehearsed)
    noticed = side.act(side.deliver().live, "correct", note={"correction": "notice"}).live
    again = side.deliver(
        side.post(
            key="republish-1",
            action="correct",
            placed=placed_by(noticed, side.clock.now()),
            note={"correction": "republish"},
        )
    ).live
    assert again.shown[1].data["earlier"] == []
    assert len(rehearsed.ledger("publish_deleted")) == 2
    side.close()
