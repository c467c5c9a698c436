"""What is masked of a person, however it is written, and what stays readable because it is nobody's."""

from __future__ import annotations

import pytest

from kernel.masking import mask_line, mask_person, mask_public, told_of_people

PEOPLE = [
    ("电话13812341234，请回", "电话138****1234，请回"),
    ("电话138-1234-5678", "电话138****5678"),
    ("电话138 1234 5678。", "电话138****5678。"),
    ("电话138 - 1234 - 5678", "电话138****5678"),
    ("电话138.1234.5678", "电话138****5678"),
    ("电话1381 234 5678", "电话138****5678"),
    ("电话13812 345678", "电话138****5678"),
    ("电话+8613812345678", "电话138****5678"),
    ("电话+86 138 1234 5678", "电话138****5678"),
    ("电话013812345678", "电话138****5678"),
    ("电话１３８１２３４５６７８", "电话138****5678"),
    ("电话１３８－１２３４－５６７８", "电话138****5678"),
    ("电话138\u200b1234\u200b5678", "电话138****5678"),
    ("①13812345678", "①138****5678"),
    ("微信wx13812345678", "微信wx138****5678"),
    ("身份证350102199003072123", "身份证35*************123"),
    ("身份证350481 19900101 1234", "身份证35*************234"),
    ("身份证350481-1990-0101-123X", "身份证35*************23X"),
    ("身份证３５０４８１１９９００１０１１２３４", "身份证35*************234"),
    ("身份证350481900101123", "身份证35**********123"),
    ("卡号6222021234567890123", "卡号6222***********0123"),
    ("卡号6222 0212 3456 7890 123", "卡号6222***********0123"),
    ("卡号4111 1111 1111 1111", "卡号4111********1111"),
    ("住临江区江畔街道长安路9号3栋502室，漏水", "住临江区江畔街道，漏水"),
    ("住江畔街道长安路9号3栋502，漏水", "住江畔街道，漏水"),
    ("青山镇河口村12号门前路灯不亮", "青山镇门前路灯不亮"),
    ("住幸福小区12栋301", "住幸福小区"),
    ("住幸福小区12栋301，漏水", "住幸福小区，漏水"),
    ("住幸福小区二期３号楼2单元501室，漏水", "住幸福小区，漏水"),
    ("住幸福小区12-3-501，漏水", "住幸福小区，漏水"),
    ("住阳光花园A座1203室", "住阳光花园"),
    ("住河口村三组，没有路灯", "住河口村，没有路灯"),
    ("住河口村15号", "住河口村"),
    ("住长安路9号3栋2单元501室", "住长安路"),
    ("我家3号楼2单元501漏水", "我家漏水"),
    ("我家3栋502室漏水", "我家漏水"),
]
PUBLIC = [
    ("座机0591-87654321", "座机0591-****4321"),
    ("座机（0591）87654321转801", "座机（0591）-****4321"),
    ("座机010 8765 4321", "座机010-****4321"),
    ("家里电话：87654321", "家里电话：****4321"),
    ("邮箱zhangsan@163.com", "邮箱zh***@163.com"),
    ("邮箱zhangsan＠qq.com", "邮箱zh***@qq.com"),
    ("住长安路9号，漏水", "住长安路，漏水"),
    ("住长乐路100弄5号302室", "住长乐路"),
    ("住长安路9号3栋2单元501室", "住长安路"),
    ("住豆腐巷十二号", "住豆腐巷"),
]
NOBODYS = [
    "请拨打12345",
    "客服400-810-1234、96110、114",
    "依据云政发〔2026〕3号文件",
    "云州市人民政府令第12号",
    "2026年3月2日9:30至2026年12月31日",
    "2026-03-02 2026-12-31",
    "共13812元，合计1,381,234,567.80元，约13.8亿元",
    "增长138.12345678%",
    "地铁1号线3号口",
    "线路3号线停运",
    "102路3号车",
    "江畔街道3月5号停水",
    "江畔街道办事处几点上班",
    "小区自3月5号起停水",
    "城镇居民医保第3号公告",
    "编号20260302000123",
    "信用代码91350100M000100Y43",
    "订单2026030200001234",
    "网址https://www.example.gov.cn/art/202603/138123456789.html",
    "发送至zwfw@yunzhou.gov.cn",
    "5个小区2026年改造，涉及12栋楼301户",
    "13812341234567",
]


@pytest.mark.parametrize(("text", "shown"), PEOPLE)
def test_what_tells_of_a_person_is_masked_however_it_is_written(text: str, shown: str) -> None:
    assert mask_person(text) == shown
    assert mask_person(shown) == shown


@pytest.mark.parametrize(
    "home",
    [
        "三组",
        "一单元",
        "十二栋",
        "十二幢",
        "三号",
        "A座",
        "二室",
        "二弄",
        "3#",
        "３＃",
        "三号院",
        "1-2",
        "１－２",
        "12栋301",
    ],
)
def test_a_home_is_masked_by_each_sign_of_a_house(home: str) -> None:
    assert mask_person(f"住河口村{home}，漏水") == "住河口村，漏水"


def test_what_tells_nothing_is_still_shown_without_what_is_hidden_in_it() -> None:
    assert mask_person("居住\u200b证 12") == "居住证 12"


@pytest.mark.parametrize(("text", "shown"), PUBLIC)
def test_more_is_masked_in_what_everybody_reads(text: str, shown: str) -> None:
    assert mask_public(text) == shown
    assert mask_public(shown) == shown


@pytest.mark.parametrize("text", NOBODYS)
def test_what_is_nobodys_stays(text: str) -> None:
    assert mask_public(text) == text
    assert told_of_people(text, reached=True) == []


def test_everything_else_in_a_text_stays_as_it_was_typed() -> None:
    assert mask_public("（１）请回，电话１３８１２３４５６７８　谢谢👨\u200d👩\u200d👧") == (
        "（１）请回，电话138****5678　谢谢👨\u200d👩\u200d👧"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("139 8765 4321", ["手机号码"]),
        ("350481 19900101 1234", ["公民身份号码"]),
        ("6222 0212 3456 7890 123", ["银行卡号"]),
        ("住幸福小区12栋301", ["住址门牌"]),
        ("0591-87654321，a.b@163.com", ["固定电话", "电子邮箱"]),
        ("请到江畔街道长安路9号", []),
    ],
)
def test_what_still_stands_in_a_text_is_told_by_its_name(text: str, told: list[str]) -> None:
    assert told_of_people(text, reached=True) == told


def test_in_a_line_of_a_program_a_digest_is_no_telephone() -> None:
    assert (
        mask_line("to +8613812345678 a13812345678b １３８１２３４５６７８")
        == "to 138****5678 a13812345678b 138****5678"
    )
