"""What is said around a question, in the citizens' own wordings; the bot's words for it are in templates/replies."""

from __future__ import annotations

from bot.project import HANDOFF, Turn

GREET, THANKS, GOODBYE, IDENTITY, DISSATISFIED = "greet", "thanks", "goodbye", "bot_identity", "dissatisfied"

TURNS = (
    Turn(
        GREET,
        (
            "你好", "您好", "早上好", "下午好", "晚上好", "在吗", "有人吗", "hello", "hi", "嗨", "喂", "客服在吗",
            "您好，在不在", "你好，请问一下", "咨询一下", "想问个事",
        ),
        GREET,
    ),
    Turn(
        THANKS,
        (
            "谢谢", "谢谢你", "多谢", "非常感谢", "好的谢谢", "辛苦了", "太感谢了", "谢谢，知道了", "明白了，谢谢",
            "谢了", "麻烦你了", "感谢", "谢谢你的解答", "3q",
        ),
        THANKS,
    ),
    Turn(
        GOODBYE,
        (
            "再见", "拜拜", "88", "下次再聊", "没有其他问题了", "先这样吧", "bye", "没事了", "不问了", "没别的了，再见",
            "好了就这样", "不用了，再见", "回头再说",
        ),
        GOODBYE,
    ),
    Turn(
        HANDOFF,
        (
            "转人工", "我要人工客服", "人工服务", "找个真人跟我说", "转接客服", "我要和工作人员说话", "能不能换人工",
            "叫你们客服来", "给我接真人", "我不要跟机器人说话", "有没有人工", "叫个人来", "请转工作人员", "我想跟人聊",
        ),
        HANDOFF,
    ),
    Turn(
        IDENTITY,
        (
            "你是谁", "你叫什么名字", "你是机器人吗", "你能做什么", "你会什么", "介绍一下你自己", "你是真人还是机器",
            "你是人吗", "是机器人在回答吗", "你有什么功能", "你能帮我干啥", "你是智能客服吗", "对面是人还是机器",
        ),
        IDENTITY,
    ),
    Turn(
        DISSATISFIED,
        (
            "你没有回答我的问题", "答非所问", "不是这个意思", "没解决我的问题", "你说的没用", "听不懂你在说什么",
            "回答得不对", "太笨了", "说了等于没说", "不是我要问的", "你没听懂", "我问的不是这个", "还是没解决",
            "看不懂你说的",
        ),
        DISSATISFIED,
    ),
)  # fmt: skip
