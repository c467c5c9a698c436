"""办件进度: number, telephone, code, in whatever order a citizen gives the first two; nothing is told here."""

from __future__ import annotations

import pytest

from bot.dialogue import phrases
from bot.dialogue.step import Asked, asked_of, plain_of, step, turned_of
from bot.dialogue.turned import Turned

NUMBER, PHONE = "20260302-ABC234", "13812345678"


def _said(*texts: str) -> Turned:
    turned = Turned({})
    for text in texts:
        turned = turned_of(plain_of(step(asked_of(plain_of(Asked("progress", turned.kept, text))))))
    return turned


def test_number_then_telephone_then_code() -> None:
    assert _said("工单查询").part == "number"
    assert _said("工单查询", NUMBER).part == "phone"
    sent = _said("工单查询", NUMBER, PHONE)
    assert sent.wanted == {"act": "send", "number": NUMBER, "phone": PHONE, "code": ""}
    checked = _said("工单查询", NUMBER, PHONE, "验证码是 123456")
    assert checked.wanted == {"act": "check", "number": NUMBER, "phone": PHONE, "code": "123456"}


def test_what_is_said_at_once_is_not_asked() -> None:
    assert _said(f"查工单{NUMBER}，手机138 1234 5678").wanted["act"] == "send"
    assert _said("工单查询", PHONE).part == "number"
    assert _said("工单查询", PHONE, NUMBER).wanted["act"] == "send"


@pytest.mark.parametrize("text", ["20260302-abc234", "２０２６０３０２-ABC234", "编号：20260302-ABC234。"])
def test_a_number_is_read_however_it_is_typed(text: str) -> None:
    assert phrases.number_in(text) == NUMBER


@pytest.mark.parametrize("text", ["20260302-ABC2345", "20260302ABC234", "120260302-ABC234", "20260302-ABC10O"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert phrases.number_in(text) == ""


@pytest.mark.parametrize("text", ["+86 138-1234-5678", "１３８１２３４５６７８", "手机:13812345678"])
def test_a_telephone_is_read_however_it_is_typed(text: str) -> None:
    assert phrases.mobile_in(text) == PHONE


def test_a_code_is_sent_again_and_a_wrong_number_can_be_mended() -> None:
    assert _said("工单查询", NUMBER, PHONE, "重发").wanted["act"] == "send"
    assert _said("工单查询", NUMBER, PHONE, "13900001111").wanted["phone"] == "13900001111"
    assert _said("工单查询", NUMBER, PHONE, "啥").values["miss"]
    assert _said("工单查询", NUMBER, PHONE, "算了").part == "dropped"
