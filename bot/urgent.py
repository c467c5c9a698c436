"""Words of danger: what a citizen writes that must reach a person on duty at any hour. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.nlu.text import Lexicon, normalise


@dataclass(frozen=True)
class Danger:
    """The word that was heard, and the number to call first."""

    word: str
    call: str


LIFE, FIRE, CRIME, INJURY = "12356", "119", "110", "120"

WORDS: dict[str, str] = {
    **dict.fromkeys(
        (
            "轻生", "自杀", "自残", "不想活", "唔想活", "活不下去", "活着没意思", "活着没劲", "想死", "去死算了",
            "死了算了", "跳楼", "跳河", "跳江", "割腕", "喝农药", "上吊", "结束生命", "结束自己的生命", "遗书",
            "活够了", "自尽", "寻短见", "跳轨", "一死了之", "想不开", "了结自己", "离开这个世界",
        ),
        LIFE,
    ),
    **dict.fromkeys(
        ("爆炸", "火灾", "着火", "起火", "失火", "煤气泄漏", "燃气泄漏", "天然气泄漏", "煤气漏", "燃气漏", "天然气漏"),
        FIRE,
    ),
    **dict.fromkeys(
        (
            "炸弹", "杀人", "砍人", "捅人", "绑架", "劫持", "持刀", "枪击", "抢劫", "家暴", "被打", "强奸", "拐卖",
            "被困", "塌了", "坍塌", "溺水", "落水", "掉河里", "报复社会", "同归于尽", "救命", "救救我", "要炸", "炸了",
            "炸死", "炸掉", "炸毁", "纵火", "放火",
        ),
        CRIME,
    ),
    **dict.fromkeys(("昏迷", "休克", "大出血", "中毒", "没有呼吸", "没呼吸", "煤气中毒", "心梗"), INJURY),
}  # fmt: skip

# What is danger only in such company: 安眠药 is also bought, and a step is also jumped down.
_BODY = "牙眼睛鼻耳朵脑头腿手脚骨臂膊肋腰嘴脸人"
_SHAPES = (
    (re.compile(r"(?:吃|吞|服|喝)(?:了|下|光|完|掉).{0,6}?安眠药"), LIFE),
    (re.compile(r"(?:想|准备|打算|要去?)(?:吃|吞|服|喝).{0,4}?安眠药"), LIFE),
    (
        re.compile(r"吞.{0,4}?安眠药|(?:一?整瓶|一瓶|一把|一堆|很多|好多|大量|过量|几十[片颗粒])(?:的|服|吃)?安眠药"),
        LIFE,
    ),
    (re.compile(r"安眠药.{0,3}?(?:吃|吞|服|喝)(?:了|下|光|完|多)"), LIFE),
    (re.compile(r"喝(?:了|下|光|完)?.{0,4}?(?:百草枯|敌敌畏|农药)"), LIFE),
    (re.compile(r"(?:准备|打算|马上|这就|真的?|要|我想|想要)(?:从.{1,10}?)?(?:往下|直接)?跳(?:下去|下来|下楼)"), LIFE),
    (re.compile(r"跳下去(?:就|一了百了|算了|死|解脱)"), LIFE),
)

# Everyday matters that hold a word of danger and are none. Each says what stands before or after the word, no more than
# that, so that real danger beside it is still heard.
_CALM = re.compile(
    "|".join(
        (
            # A permit, a certificate, a drill, a subsidy, a crime as the law names it.
            r"火灾(?:证明|认定|事故认定|公众责任|保险|险种|赔偿|隐患|演练|演习|自动报警|报警器|报警系统|探测)",
            r"火灾(?:预防|防控|警示|宣传|应急预案|风险)|消防演练|烟花爆竹|人身安全保护令",
            r"(?:防|预防|防范|谨防|严防|防止)(?:一氧化碳|煤气|燃气|食物|农药|酒精|药物|学生|儿童|青少年|未成年人|校园)*"
            + "(?:中毒|火灾|溺水|落水|自杀|自残|拐卖|爆炸|家暴|坍塌|抢劫)",
            r"爆炸(?:物品|性|品|式|头|极限|盐|糖)|(?:信息|人口|知识|数据)爆炸|自杀(?:干预|保险)|中毒(?:保险|预防)",
            r"反(?:家暴|拐卖)|(?:杀人|抢劫|拐卖)(?:妇女|儿童)*[案罪]|(?:放火|纵火|失火)[案罪]|(?:强奸|绑架|劫持|爆炸)罪",
            r"(?:道德|情感)绑架|绑架子|剧本杀|狼人杀|[砍杀]人家(?:的|[一几]棵|[一几]只)*[树竹果菜鸡鸭狗猪羊牛]",
            r"救命(?:钱|药|稻草|恩人|通道|设备|之恩)|要炸(?=[鸡串油薯酱丸鱼肉虾山街锅])|炸街",
            r"炸药(?=许可|审批|运输|购买|库|仓)|炸了锅|(?<![煤燃然沼])气炸了",
            r"(?:水管|轮胎|车胎|玻璃|心态|评论区?|朋友圈|热搜|群里|头皮|肺)(?:都|要|快|全|直接)*炸了",
            # Words that are part of others.
            r"上吊(?=[销唁顶灯车扇牌篮环椅柜装塔])|被打(?:疫苗|上标|入(?![院医]))",
            r"被打(?=[回扰印包扮造磨动通扫卡针孔洞桩标叉码压击捞散乱湿分药])",
            rf"(?<![{_BODY}])被打(?:[坏碎烂折]|开(?![花瓢])|爆(?!头)|断(?!了?[{_BODY}]))",
            r"落水(?=[管斗槽]|[口井沟洞](?![里中了]))|(?<=[村院角部])落水(?![了者儿女孩人里])|回落水",
            r"(?<=一)起火(?=化(?!工)|[葬车鸡腿炬])|起火(?=锅(?!炉)|葬|化(?!工))|[升点燃举]起火[把炬炉盆]",
            r"(?<=[坐乘赶带拿举看等沿顺跟对吃守靠挨围烤])着火(?=[车锅鸡腿把炬炉盆龙])|着火点是多少",
            r"被困[难扰惑境]|(?<=[独来])自残|自残[疾障联奥]|(?<=[国大专农商全])家暴(?=[雨雪风涨跌增晒露发利富力躁])",
            r"(?:电脑|手机|系统|网站|服务器|软件|文件|u盘|硬盘)(?:又|好像|可能|是不是|疑似|都)*中毒|中毒(?=[品性素瘾枭贩])",
            r"(?<=[年减])轻生|轻生活馆|(?<=[各亲私])自尽(?=[责职量快力孝心早])|自尽[责职孝]",
            r"自杀(?=[虫毒菌鸡鱼羊牛猪])|想死(?=你|心(?!里)|机(?!会)|亡证)|跳楼(?=[价甩]|大甩|促|机(?![关会]))",
            r"大出血[价甩]|不想活[动跃检]|干活够了|想不开(?=[发店户具通车门业空证票放机灯工源]|学(?!校)|会(?![不做出自]))",
            r"跳[河江][南北西苏](?![边岸面侧])|跳轨迹|没有?呼吸[机科内道]|持刀鱼|遗书公证|敦煌遗书",
            r"放火(?=[锅腿炮药龙])|(?<=[开存摆停堆])放火(?=[化车葬种炉盆])",
            r"心梗(?:术后|后遗症|后期|后康复|病史|支架|报销|慢病|慢性病)",
        )
    )
)  # fmt: skip

_NO_LEXICON = Lexicon(())
_PARTS = re.compile(r"[，。！？；：、,!?;:\n]+")


def danger_in(text: str, more: Iterable[str] = ()) -> Danger | None:
    """The first word of danger in a citizen's text, the longest where several begin together; `more` are the office's.

    What is left after calm phrases are taken out decides, so that "怎么开火灾证明" alarms nobody. Each part between
    marks is read by itself: in "楼下着火，车烧了" nobody speaks of a train.
    """
    known = WORDS | {normalise(word, _NO_LEXICON): CRIME for word in more}
    for part in _PARTS.split(text):
        plain = _CALM.sub("|", normalise(part, _NO_LEXICON))
        found = [(plain.find(word), -len(word), Danger(word, known[word])) for word in known if word and word in plain]
        hits = [(shape.search(plain), call) for shape, call in _SHAPES]
        found += [(hit.start(), hit.start() - hit.end(), Danger(hit.group(), call)) for hit, call in hits if hit]
        if found:
            return min(found, key=lambda one: one[:2])[2]
    return None
