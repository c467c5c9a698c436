"""保存期限: the kinds of what citizens leave with the bot and the desk, with the days each is kept and why."""

from __future__ import annotations

from sqlalchemy import and_, or_, select

from bot import consents
from bot.comments.models import Comment
from bot.comments.states import CommentState
from bot.models import Conversation, InboundMessage, NoticeConsent, PhoneCode, Ticket
from bot.personal import forgetting
from bot.personal.models import DataRequest
from bot.personal.states import RequestState
from bot.states import TicketState
from bot.team.models import Handover
from channels.accounts.models import Account
from kernel.office_rules import Rule, declare, number_between
from kernel.retention import Kind
from templates.catalogue import _

_unit_of_message = (
    select(Conversation.unit_id).where(Conversation.id == InboundMessage.conversation_id).scalar_subquery()
)
_closed = Ticket.state == TicketState.CLOSED

MESSAGES = Kind(
    declare(Rule("retention.messages", 365, "聊天消息保存天数（会话结束起）", number_between(30, 1825))),
    Conversation.id,
    Conversation.closed_at,
    forgetting.ended(),
    Conversation.unit_id,
    forgetting.conversations,
    _("回访、复核和年度考核在一年内完成；网络日志不少于六个月的要求由审计日志满足。"),
    _("会话的时间、渠道、单位、评价等统计数据保留，不含内容和身份。有未办结工单的会话等办结后再删除。"),
)
MEDIA = Kind(
    declare(Rule("retention.media", 90, "市民图片、语音等媒体保存天数（收到起）", number_between(7, 1825))),
    InboundMessage.id,
    InboundMessage.received_at,
    and_(InboundMessage.media != forgetting.NO_MEDIA, ~forgetting.open_ticket_of(InboundMessage.conversation_id)),
    _unit_of_message,
    forgetting.media,
    _("图片常含人脸、证件和住处，办理完即不再需要；平台上的原件一般三天后失效。"),
    _("消息的文字按聊天消息的期限保存。"),
)
CALLBACKS = Kind(
    declare(Rule("retention.callbacks", 1, "平台推送应答原文保存天数", number_between(1, 30))),
    InboundMessage.id,
    InboundMessage.received_at,
    InboundMessage.answer.is_not(None),
    _unit_of_message,
    forgetting.pushed_answers,
    _("只用于平台重复推送时给出同样的应答，平台的重推在一分钟内结束。"),
    _("推送的签名另在两小时后删除。"),
)
CONTACTS = Kind(
    declare(Rule("retention.contacts", 180, "工单联系电话和称呼保存天数（办结起）", number_between(30, 1825))),
    Ticket.id,
    Ticket.closed_at,
    and_(_closed, or_(Ticket.contact != "", Ticket.name != "")),
    Ticket.unit_id,
    forgetting.contacts,
    _("办结后仍需回访、二次办理和核查，半年后不再联系。"),
    _("工单的事由和答复按工单的期限保存。"),
)
TICKETS = Kind(
    declare(Rule("retention.tickets", 1095, "工单内容保存天数（办结起）", number_between(180, 3650))),
    Ticket.id,
    Ticket.closed_at,
    and_(_closed, Ticket.forgotten_at.is_(None)),
    Ticket.unit_id,
    forgetting.tickets,
    _("行政复议、诉讼、信访复查复核和审计可能调阅，一般不超过三年。"),
    _("编号、类别、单位、时限和结果等统计数据保留；已公开的答复不含个人信息，继续公开。"),
)
CODES = Kind(
    declare(Rule("retention.codes", 2, "手机验证码保存天数", number_between(1, 30))),
    PhoneCode.id,
    PhoneCode.made_at,
    PhoneCode.id.is_not(None),
    None,
    forgetting.codes,
    _("验证码十分钟内有效，保留两天用于限制次数和查找发送故障；号码只以密文保存。"),
    "",
)
COMMENTS = Kind(
    declare(Rule("retention.comments", 730, "平台评论保存天数（发表起）", number_between(90, 3650))),
    Comment.id,
    Comment.at,
    and_(Comment.state != CommentState.OPEN, or_(Comment.text != "", Comment.author != "", Comment.name != "")),
    Comment.unit_id,
    forgetting.comments,
    _("评论在平台上公开，年度比较需要两年；平台上的原文由平台和本人管理。"),
    _("时间、条数和答复时长等统计数据保留。"),
)

HANDOVERS = Kind(
    declare(Rule("retention.handovers", 90, "交接班说明保存天数（交接起）", number_between(7, 1095))),
    Handover.id,
    Handover.made_at,
    Handover.note != "",
    Handover.unit_id,
    forgetting.handovers,
    _("说明可能提到市民和诉求；接班后一个季度内可能需要核对，之后不再需要。"),
    _("何人何时交给何人、会话和工单的编号保留。"),
)
REQUESTS = Kind(
    declare(Rule("retention.requests", 1095, "个人信息请求的理由和来源保存天数（办结起）", number_between(180, 3650))),
    DataRequest.id,
    DataRequest.done_at,
    and_(
        DataRequest.state.in_((RequestState.DONE, RequestState.DECLINED)),
        or_(DataRequest.mark != "", DataRequest.reason != "", DataRequest.words != ""),
    ),
    DataRequest.unit_id,
    forgetting.requests,
    _("本人可能就处理结果投诉或者起诉，一般不超过三年；手机号只留下无法还原的标记。"),
    _("请求的编号、种类、期限和结果保留。"),
)

CONSENTS = Kind(
    declare(
        Rule(
            "retention.consents", 90, "已用完或已拒绝的消息订阅记录保存天数（最后一次表态起）", number_between(7, 1095)
        )
    ),
    NoticeConsent.id,
    NoticeConsent.heard_at,
    consents.is_over(),
    select(Account.unit_id).where(Account.id == NoticeConsent.account_id).scalar_subquery(),
    consents.drop,
    _("记录含市民在平台上的标识；一个季度内市民可能询问为何收到消息，之后不再需要。"),
    _("还可用的订阅保留到用完或者本人拒绝；已发出的通知按工单联系电话的期限保存。"),
)

KINDS = (MESSAGES, MEDIA, CALLBACKS, CONTACTS, TICKETS, CODES, COMMENTS, HANDOVERS, REQUESTS, CONSENTS)
