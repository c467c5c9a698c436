"""Invented values for the living style page, so that it shows each component in each state without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from templates.catalogue import _
from templates.views import Act, ApprovalForm, Change, Column, Flash, ListState, NavItem, NavSection, Shell, Signature

NOW = datetime(2026, 3, 16, 2, 30, tzinfo=UTC)

SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (_("工作台"), "desk", (_("工作台"),)),
    (_("采编中心"), "compose", (_("稿件库"), _("我的稿件"), _("选题策划"), _("回收站"))),
    (_("审核中心"), "review", (_("待我审签"), _("审签记录"))),
    (_("发布中心"), "publish", (_("发布日历"), _("发布队列"), _("应急发布"))),
    (_("账号矩阵"), "accounts", (_("账号矩阵"),)),
    (_("素材库"), "library", (_("素材库"),)),
    (_("互动回应"), "interact", (_("会话"), _("工单"), _("评论"))),
    (_("智能问答"), "bot", (_("知识库"), _("未识别问题"))),
    (_("办事指南"), "guide", (_("办事指南"),)),
    (_("传播分析"), "analytics", (_("传播分析"),)),
    (_("监测预警"), "monitor", (_("监测预警"),)),
    (_("系统管理"), "system", (_("机构人员"), _("操作日志"), _("办公规则"))),
)
WAITING = {"待我审签": 3, "会话": 12, "未识别问题": 28}


def menu(current: str = "工作台") -> list[NavSection]:
    """The whole left menu with the page of this label open."""
    return [
        NavSection(
            section,
            [NavItem(label, "#", WAITING.get(label, 0), current=label == current) for label in labels],
            icon,
        )
        for section, icon, labels in SECTIONS
    ]


def shell(current: str = "工作台", **changes: Any) -> Shell:
    """The frame of the style page: an invented officer of an invented office."""
    values: dict[str, Any] = {
        "person": "林晓云",
        "unit": "云州市人民政府办公室",
        "csrf": "pattern",
        "nav": menu(current),
        "path": "/console/patterns",
        "duty": "值班：周岩",
        "search_href": "/console/search",
        "flashes": [Flash("已保存。")],
    }
    return Shell(**{**values, **changes})


def signatures() -> list[Signature]:
    """A chain with every state a level can be in."""
    return [
        Signature("一审", "陈立", "signed", NOW - timedelta(hours=5), "文字已核，数据与统计公报一致。"),
        Signature("二审", "王敏", "signed", NOW - timedelta(hours=2), "同意。", instead_of="赵刚"),
        Signature("三审", "孙国华", "pending", due=NOW + timedelta(hours=3)),
        Signature("签发"),
    ]


def approval_form() -> ApprovalForm:
    """A filled 信息发布审核表."""
    return ApprovalForm(
        number="云府办审〔2026〕0316-07",
        title="关于调整市区供热结束时间的通知",
        unit="云州市人民政府办公室",
        kind="通知公告",
        column="政务公开 / 通知公告",
        writer="林晓云",
        editor="陈立",
        source="市住房和城乡建设局",
        channels=["门户网站", "微信公众号“云州发布”", "微博“云州发布”"],
        mode="群发",
        audience="全部关注者",
        window="2026-03-16 17:00 至 2026-03-17 12:00",
        openness="主动公开",
        secrecy="已审查，不涉密（王敏）",
        release_hash="9f2c41d07be35a68c4f1e0927d5b83a6ee0c14f79b2d6a53",
        signatures=signatures(),
        proofs=[
            ("一校", "李文", NOW - timedelta(hours=6)),
            ("二校", "张蕾", NOW - timedelta(hours=4)),
            ("三校", "", None),
        ],
        summary="因近期气温偏低，市区供热结束时间由3月31日延长至4月7日，延长期间不另收费。",
        printed_at=NOW,
    )


def sent_files() -> list[dict[str, Any]]:
    """What a citizen sent besides words: to be fetched, gone, refused, forgotten, and one that is kept."""
    file = {"id": 1, "kind": "voice", "reason": "", "media_type": "audio/amr", "size": 18_432, "until_at": NOW}
    return [
        file | {"state": "kept"},
        file | {"state": "waiting", "next_at": NOW, "reason": "平台繁忙"},
        file | {"state": "gone", "kind": "image", "reason": "平台只保留 3 天，到期前没有取到"},
        file | {"state": "refused", "kind": "video", "reason": "文件内容不是视频，没有保留。"},
        file | {"state": "forgotten", "kind": "image"},
    ]


def context() -> dict[str, Any]:
    """Everything ``pages/patterns.html`` needs."""
    rows = [
        {
            "title": "关于调整市区供热结束时间的通知",
            "note": "通知公告 · 林晓云",
            "state": "booked",
            "at": NOW,
            "reads": 0,
        },
        {"title": "春季植树活动道路管制提示", "note": "要闻动态 · 陈立", "state": "failed", "at": NOW, "reads": 0},
        {"title": "《云州市养犬管理办法》解读", "note": "政策解读 · 王敏", "state": "done", "at": NOW, "reads": 18342},
    ]
    return {
        "shell": shell(),
        "columns": [
            Column(_("标题"), "title"),
            Column(_("状态")),
            Column(_("发布时间"), "at"),
            Column(_("阅读量"), "reads", "figure"),
            Column(_("操作"), "", "acts"),
        ],
        "rows": rows,
        "state": ListState("/console/patterns", {"q": "通知", "state": "booked"}, "-at", 3, 20, 187),
        "acts": [
            Act(NOW - timedelta(hours=6), "林晓云", "送审", "请今日下班前签发。", "info"),
            Act(NOW - timedelta(hours=5), "陈立", "一审同意", "", "good", "手机"),
            Act(NOW - timedelta(hours=3), "赵刚", "退回", "第二段停水范围与附件不一致。", "bad"),
            Act(NOW - timedelta(hours=2), "系统", "微信接口超时，结果待核实", "", "warn"),
        ],
        "sent_files": sent_files(),
        "signatures": signatures(),
        "returned": [
            Signature("一审", "陈立", "returned", NOW, "标题与文号不符，请核对。"),
            Signature("二审", state="void"),
        ],
        "changes": [
            Change("same", "市区供热结束时间由3月31日"),
            Change("del", "推迟"),
            Change("ins", "延长"),
            Change("same", "至4月"),
            Change("del", "5"),
            Change("ins", "7"),
            Change("same", "日，延长期间不另收费。"),
        ],
        "form": approval_form(),
        "now_shown": NOW,
    }
