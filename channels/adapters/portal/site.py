"""The site as its account describes it: the settings of the form, and the name, menu and marks on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from channels.base import AccountInfo, Setting, Tools
from templates.views import PortalLink, PortalSite

# 国办发〔2017〕47号: ten digits for a site; a ministry's begins with bm.
SITE_CODE = r"\d{10}|bm\d{8}"
# A picture of another site would be a third-party request, which the pages forbid themselves.
_MARK = r"/[^\s/][^\s]*"
_PICTURE_HELP = "选择图片上传；或填本站内的地址（以 / 开头），外站图片不会显示。"
_MARK_HELP = f"印在每页页脚。{_PICTURE_HELP}"
# A link that a script or another scheme could hide in is none.
_LINK = re.compile(r"(?:https?://|/(?!/))[^\s<>\"]+")

# Where whoever finds a mistake on the site says so, unless the office has another place for it.
REPORT_HREF = "/feedback?kind=找错"

SETTINGS: tuple[Setting, ...] = (
    Setting("sponsor", "主办单位", expected=True),
    Setting("operator", "承办单位"),
    Setting(
        "id_code",
        "网站标识码",
        help="政府网站标识码为 10 位数字（部委网站为 bm 加 8 位数字），页脚必须标明。",
        pattern=SITE_CODE,
        expected=True,
    ),
    Setting("icp", "ICP 备案号", expected=True),
    Setting("police", "公安备案号", expected=True),
    Setting("police_href", "公安备案链接"),
    Setting("phone", "联系电话", expected=True),
    Setting("email", "电子邮箱"),
    Setting("postal_address", "通信地址"),
    Setting("hotline", "政务服务热线"),
    Setting("emblem", "党政机关网站标志图片", "picture", help=_MARK_HELP, most=200, pattern=_MARK, expected=True),
    Setting("emblem_href", "党政机关网站标志链接"),
    Setting("accessible_mark", "适老化标识图片", "picture", help=_MARK_HELP, most=200, pattern=_MARK),
    Setting("report_href", "“我为政府网站找错”链接", help=f"不填则为 {REPORT_HREF}。"),
    Setting("logo", "网站标识图片", "picture", help=f"印在网站名称前。{_PICTURE_HELP}", most=200, pattern=_MARK),
    Setting("chat_href", "智能问答地址", help="填 /chat，每页就有智能问答；不填则没有。", most=200, pattern=_MARK),
    Setting("friends", "相关链接", "lines", help="每行一项，如：中国政府网=https://www.gov.cn/；印在每页页脚。"),
    Setting("english_name", "英文名称"),
    Setting("english_menu", "英文菜单", "lines", help="每行一项，如：通知公告=Notices；读者切换到英文界面时显示。"),
    Setting("description", "网站描述"),
    Setting("keywords", "网站关键词"),
    Setting("notice", "站点公告"),
    Setting("notice_href", "站点公告链接"),
)
_WORDS = (
    "operator", "english_name", "phone", "postal_address", "email", "icp", "police", "police_href", "emblem",
    "emblem_href", "accessible_mark", "report_href", "description", "keywords", "hotline", "notice", "notice_href",
    "chat_href", "search_href", "logo",
)  # fmt: skip


def site_of(account: AccountInfo, tools: Tools) -> PortalSite:
    """The site's name, menu and marks."""
    about: Mapping[str, Any] = account.settings
    english = dict(line.split("=", 1) for line in about.get("english_menu") or [] if "=" in str(line))
    nav = [PortalLink("首页", "/", note="Home")]
    nav += [
        PortalLink(column["name"], f"/{column['slug']}/", note=str(english.get(column["name"], "")).strip())
        for column in tools.catalogue.columns()
    ]
    words: dict[str, Any] = {name: str(about[name]) for name in _WORDS if name in about}
    words["report_href"] = words.get("report_href") or REPORT_HREF
    return PortalSite(
        name=account.name,
        address=tools.public_url,
        id_code=str(about.get("id_code", "")),
        sponsor=str(about.get("sponsor", account.unit_name)),
        nav=nav,
        friends=list(_friends(about.get("friends") or [])),
        **words,
    )


def _friends(lines: Sequence[Any]) -> Iterator[PortalLink]:
    for line in lines:
        name, _equals, address = (part.strip() for part in str(line).partition("="))
        if name and _LINK.fullmatch(address):
            yield PortalLink(name, address, outside=True)
