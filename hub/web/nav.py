"""The console's menu: which desk stands in which section, and who sees it."""

from __future__ import annotations

from dataclasses import dataclass

from hub.web.access import Asker
from kernel.people import Permission
from templates.catalogue import _
from templates.views import NavItem, NavSection

P = Permission


@dataclass(frozen=True)
class Entry:
    """One desk in the menu; shown to whoever holds any of the permissions, or to everybody when there are none."""

    label: str
    href: str
    permissions: tuple[Permission, ...] = ()


MENU: tuple[tuple[str, str, tuple[Entry, ...]], ...] = (
    (_("工作台"), "desk", (Entry(_("工作台"), "/console"),)),
    (
        _("采编中心"),
        "compose",
        (
            Entry(_("稿件库"), "/console/pieces", (P.PIECE_READ,)),
            Entry(_("写稿件"), "/console/pieces/new", (P.PIECE_WRITE,)),
            Entry(_("导入"), "/console/import", (P.PIECE_WRITE,)),
            Entry(_("错敏词"), "/console/words", (P.PIECE_READ,)),
            Entry(_("死链巡查"), "/console/links", (P.PIECE_READ,)),
        ),
    ),
    (_("审核中心"), "review", (Entry(_("待审"), "/console/signing", (P.PIECE_READ,)),)),
    (
        _("发布中心"),
        "publish",
        (
            Entry(_("安排发布"), "/console/bookings", (P.BOOKING_WRITE,)),
            Entry(_("发布任务"), "/console/deliveries", (P.DELIVERY_READ,)),
            Entry(_("发布日历"), "/console/calendar", (P.DELIVERY_READ,)),
            Entry(_("发布栏位"), "/console/slots", (P.DELIVERY_READ,)),
            Entry(_("系列"), "/console/series", (P.DELIVERY_READ,)),
            Entry(_("各渠道状态"), "/console/placements", (P.DELIVERY_READ,)),
            Entry(_("登记外发"), "/console/outside", (P.DELIVERY_READ,)),
            Entry(_("转载任务"), "/console/reposts", (P.DELIVERY_READ,)),
            Entry(_("应急发布"), "/console/emergency", (P.DELIVERY_READ,)),
            Entry(_("一键停发"), "/console/freezes", (P.DELIVERY_ACT,)),
            Entry(_("网站状态"), "/console/site-state", (P.RULE_WRITE,)),
        ),
    ),
    (
        _("互动回应"),
        "interact",
        (
            Entry(_("在线接待"), "/console/desk", (P.CONVERSATION_READ,)),
            Entry(_("会话记录"), "/console/conversations", (P.CONVERSATION_READ,)),
            Entry(_("接待看板"), "/console/board", (P.QUEUE_SUPERVISE,)),
            Entry(_("班次"), "/console/shifts", (P.CONVERSATION_ANSWER,)),
            Entry(_("归口分类"), "/console/classes", (P.QUEUE_SUPERVISE,)),
            Entry(_("快捷回复"), "/console/quick-replies", (P.CONVERSATION_ANSWER,)),
            Entry(_("评论"), "/console/comments", (P.CONVERSATION_READ,)),
            Entry(_("工单"), "/console/tickets", (P.TICKET_READ,)),
            Entry(_("个人信息申请"), "/console/citizens", (P.PRIVACY_ACT,)),
            Entry(_("知识库"), "/console/knowledge", (P.PIECE_READ,)),
            Entry(_("舆情台账"), "/console/opinion", (P.PIECE_READ,)),
        ),
    ),
    (
        _("账号矩阵"),
        "accounts",
        (
            Entry(_("账号矩阵"), "/console/accounts", (P.ACCOUNT_READ,)),
            Entry(_("演练模式"), "/console/rehearsal", (P.ACCOUNT_READ,)),
        ),
    ),
    (
        _("传播分析"),
        "analytics",
        (
            Entry(_("传播分析"), "/console/reach", (P.REPORT_READ,)),
            Entry(_("人工填报"), "/console/figures", (P.DELIVERY_ACT,)),
            Entry(_("响应时间"), "/console/response", (P.REPORT_READ,)),
            Entry(_("好差评"), "/console/ratings", (P.REPORT_READ,)),
            Entry(_("工单统计"), "/console/ticket-figures", (P.REPORT_READ,)),
            Entry(_("准点率"), "/console/punctuality", (P.DELIVERY_READ,)),
            Entry(_("选题策划"), "/console/plan", (P.REPORT_READ,)),
        ),
    ),
    (
        _("系统管理"),
        "system",
        (
            Entry(_("人员"), "/console/people", (P.PERSON_READ,)),
            Entry(_("机构"), "/console/units", (P.UNIT_WRITE, P.PERSON_READ)),
            Entry(_("授权"), "/console/grants", (P.GRANT_WRITE,)),
            Entry(_("栏目管理"), "/console/columns", (P.COLUMN_WRITE,)),
            Entry(_("规则"), "/console/rules", (P.RULE_WRITE,)),
            Entry(_("保存期限"), "/console/retention", (P.PRIVACY_READ,)),
            Entry(_("接口令牌"), "/console/tokens", (P.TOKEN_WRITE,)),
            Entry(_("系统状态"), "/console/system", (P.SYSTEM_READ,)),
            Entry(_("审计日志"), "/console/audit", (P.AUDIT_READ,)),
        ),
    ),
)


def menu(asker: Asker, path: str) -> list[NavSection]:
    """The sections a person sees; the entry of the longest matching address is the current one."""
    seen = [(label, icon, [entry for entry in entries if _sees(asker, entry)]) for label, icon, entries in MENU]
    hrefs = [entry.href for _label, _icon, entries in seen for entry in entries if _leads_to(entry.href, path)]
    current = max(hrefs, key=len, default="")
    return [
        NavSection(label, [_item(asker, entry, current) for entry in entries], icon)
        for label, icon, entries in seen
        if entries
    ]


def _sees(asker: Asker, entry: Entry) -> bool:
    return not entry.permissions or any(asker.may(permission) for permission in entry.permissions)


def _item(asker: Asker, entry: Entry, current: str) -> NavItem:
    count = asker.unread if entry.href == "/console" else 0
    return NavItem(entry.label, entry.href, count, entry.href == current)


def _leads_to(href: str, path: str) -> bool:
    return path == href or (href != "/console" and path.startswith(f"{href}/"))
