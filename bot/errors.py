"""What can stand in a person's way at the live desk."""

from __future__ import annotations

from kernel.errors import XuandaError


class TakenAlready(XuandaError):
    """{name} is already answering this citizen. Your text was not sent; leave a note, or ask for the conversation."""

    zh = "{name}正在接待这位市民，您的内容没有发出。可写内部备注，或请对方转给您。"
    status = 409


class NotReachable(XuandaError):
    """The platform lets no message through to this citizen now ({why}). Make a ticket, or wait for him to write."""

    zh = "平台现在不允许给这位市民发消息（{why}）。可转为工单，或等市民再次来信。"
    status = 409


class WasClosed(XuandaError):
    """This conversation has ended. When the citizen writes again, a new one begins."""

    zh = "这次会话已经结束；市民再次来信会产生新的会话。"
    status = 409


class NotAsked(XuandaError):
    """No rating is asked for now: the conversation goes on, or its time to be rated is over. Nothing was kept."""

    zh = "现在不能评价：会话尚未结束，或评价时间已过。评价没有记录。"
    status = 409


class NobodyThere(XuandaError):
    """{name} may not answer in this unit. Choose a colleague of the desk, or the queue."""

    zh = "{name}没有本单位的接待权限。请选择本坐席组的同事，或转回队列。"
    status = 422


class BotDown(XuandaError):
    """The bot gives no answer ({why}). Conversations go to people until it does."""

    zh = "机器人暂时没有应答（{why}），会话将转给人工。"
    status = 503


class TrainingFailed(XuandaError):
    """Training or examining did not come to an end ({why}). The model in service stays as it is."""

    zh = "训练或检验没有完成（{why}）。正在使用的模型保持不变。"
    status = 502


class NotSwapped(XuandaError):
    """Rasa did not take the model into service ({why}). The one it had and everything noted here stay as they were."""

    zh = "Rasa 没有换用模型（{why}）。正在使用的模型和这里的记录都保持不变。"
    status = 502


class TooLate(XuandaError):
    """The platform lets nothing through any more by then. Choose an earlier hour, answer now, or make a ticket."""

    zh = "到那时平台已不允许给这位市民发消息。请选更早的时间，或现在答复、转工单。"
    status = 422
