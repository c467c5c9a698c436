"""Words of danger alarm; matters of an office that hold such a word do not."""

from __future__ import annotations

import pytest

from bot.urgent import WORDS, danger_in


@pytest.mark.parametrize(
    ("text", "word", "call"),
    [
        ("我不想活了", "不想活", "12356"),
        ("想轻生", "轻生", "12356"),
        ("我要自 杀", "自杀", "12356"),
        ("我要自殺", "自杀", "12356"),
        ("楼下着火了快来", "着火", "119"),
        ("化工厂爆炸了", "爆炸", "119"),
        ("小区燃气泄漏", "燃气泄漏", "119"),
        ("有人持刀砍人", "持刀", "110"),
        ("我爸昏迷了", "昏迷", "120"),
        ("救命", "救命", "110"),
        ("我要炸了政府", "要炸", "110"),
        ("活够了", "活够了", "12356"),
        ("开了火灾证明回来，楼里又着火了", "着火", "119"),
    ],
)
def test_danger_is_heard(text: str, word: str, call: str) -> None:
    danger = danger_in(text)
    assert danger is not None
    assert (danger.word, danger.call) == (word, call)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "身份证丢了怎么办",
        "怎么开火灾证明",
        "大病救命钱怎么申请",
        "我要炸鸡店的营业执照",
        "烟花爆竹经营许可",
        "民用爆炸物品购买许可",
        "反家暴政策",
        "防溺水宣传",
        "商场打跳楼价",
        "自杀干预热线是多少",
    ],
)
def test_an_ordinary_matter_alarms_nobody(text: str) -> None:
    assert danger_in(text) is None


ALARMS = """
我想上吊 他在房梁上吊着 我被打了 我被老公打得被打断了腿 头被打开花了 牙被打坏了 有人落水 有人落水了 孩子落水了快来人
村里有孩子落水 着火了 起火了 楼里起火了 房子着火车也烧了 楼下着火，车烧了 锅着火了 我们被困住了 被困在电梯里 自残
我想自残 煤气中毒 一家人煤气中毒了 食物中毒了 一死了之 不如一死了之 我想不开 我想不开了 她一时想不开 吃了很多安眠药
我吃了一瓶安眠药 我想吃安眠药 安眠药吃了一整瓶 吞了大量安眠药 我准备跳下去 我要从楼上跳下去 他要跳下来了
我在楼顶准备跳下去了 唔想活 活着没劲 死了算了 喝了农药 喝了敌敌畏 我想离开这个世界 我不想死 预防接种完孩子昏迷了
我年轻，想轻生 我不想活了，申请被打回来了 营业执照被吊销了，我想上吊 家暴 国家不管吗，他家暴我 煤气炸了 锅炉炸了
我来自农村，想自尽 心梗了 没呼吸了 砍人了 有人放火 跳河了 想自尽快来人 他放火把房子烧了 腿被打断了 腿被打折了
孩子被打脸都肿了 我被打入院了 孩子落水沟里了 起火化工厂快来 家里起火锅炉房快来 想死心里难受 想死机会都没有
他要跳楼机关门口 想不开学校老师骂的 他跳河北岸 我爸心梗后没气了 他捅人家好几刀 想轻生活不下去 有人自杀式袭击
"""


@pytest.mark.parametrize("text", ALARMS.split())
def test_danger_in_other_words_is_heard(text: str) -> None:
    assert danger_in(text) is not None


CALM = """
营业执照网上吊销 营业执照网上吊销怎么办 驾驶证被网上吊销了 网上吊唁 怎么给家里装上吊顶要审批吗 车上吊牌
申请被打回来了 我的申请被打回来了怎么办 快递被打开 井盖被打开了没人管 被打扰 邻居装修被打扰 门被打坏 门被打坏了
玻璃被打碎了 垃圾被打包 家门口被打桩吵 路被打断了 会议被打断 孩子被打针 落水管漏水 落水管漏水找谁修 落水口堵了
村落水改 院落水管 一起火化 一起火化需要什么材料 一起火锅店 （一）起火锅店 (一)起火锅店 起火锅店转让 坐着火车
坐着火车站附近的公交 吃着火锅 被困难家庭补助 被困难家庭 被困扰 独自残疾人 自残疾人证 来自残疾人家庭 电脑中毒
电脑中毒了打不开网页 集中毒品宣传 其中毒性 预防煤气中毒 谨防一氧化碳中毒 预防自杀 防火灾 消防火灾报警器安装补贴
火灾隐患 爆炸性物品 人口爆炸 道德绑架 信息爆炸 砍人家的树 国家暴雨预警 全家暴晒 减轻生活负担 年轻生命 减轻生产成本
各自尽责 亲自尽孝 私自杀猪 卖自杀虫剂 想死亡证明怎么开 联想死机 跳楼大甩卖 跳楼机 跳河南 不想活动 我想不开发票
我想不开店了 没有呼吸机 没有呼吸科 存放火化骨灰 堆放火炮 心梗术后报销 心梗支架报销 敦煌遗书 水管炸了 轮胎炸了
半夜炸街 要炸油条 安眠药怎么买 老人吃安眠药医保报销吗 从台阶上跳下去 诽谤罪 放火案 拐卖儿童罪 救命通道被堵 回落水位
救命恩人
"""


@pytest.mark.parametrize("text", CALM.split())
def test_an_everyday_matter_that_holds_such_a_word_alarms_nobody(text: str) -> None:
    assert danger_in(text) is None


def test_a_word_of_danger_late_in_a_long_message_is_heard() -> None:
    assert danger_in("情况是这样的，" * 150 + "我不想活了") is not None


def test_the_office_adds_words_of_its_own() -> None:
    assert danger_in("大坝要垮了") is None
    danger = danger_in("大坝要垮了", ["大坝要垮"])
    assert danger is not None
    assert danger.word == "大坝要垮"


def test_every_word_alarms_by_itself() -> None:
    assert [word for word in WORDS if danger_in(word) is None] == []
