"""The English skin of the portal: what the labels of its pages are called, as a script that only who asks for it loads.

`python -m templates.skin` writes it anew after a label or its translation has changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from templates.catalogue import FOLDER, load, template_msgids

SCRIPT = FOLDER / "static" / "portal-english.js"
DRAWN = ("outbound/portal/", "pages/public/")
# Labels that pages are given as values: of the frame, of search, of a service item, of tickets and requests, and what
# a form is refused with.
GIVEN = (
    "首页", "全部", "置顶", "有效", "废止", "失效", "已废止", "已失效", "已过期", "主动公开", "依申请公开", "应急信息",
    "栏目", "部门", "时间", "一周内", "一月内", "一年内", "附件", "留言公开",
    "动态要闻", "通知公告", "政策文件", "政策解读", "办事指南", "常见问题", "图集", "视频", "音频", "专题",
    "基本编码", "业务办理项编码", "权力来源", "审查类型", "进驻政务大厅", "自助终端办理", "结果样本",
    "咨询", "求助", "投诉", "建议", "举报", "表扬", "找错",
    "待办理", "已答复", "已办结", "删除中", "部分待办结后删除", "不予办理", "查阅、复制个人信息", "删除个人信息",
    "非常满意", "满意", "基本满意", "不满意", "非常不满意",
    "提交的内容无法识别。", "请选择类别。", "请写明事由。", "请写明事由，4 到 %(n)s 字。",
    "请留下手机或邮箱，以便答复您。",
    "编号是 8 位日期、短横线和 6 位字符，例如 20260302-ABC234。", "请填写登记时留下的 11 位手机号码。",
    "这个手机号码要验证码的次数太多了，请过一段时间再试。", "验证码不对或已失效，请核对；仍不行请重新获取。",
    "操作过于频繁，请稍后再试，或拨打服务热线。",
)  # fmt: skip


def words() -> dict[str, str]:
    """Every label of the portal's pages that has an English one; `%(name)s` stands for what the page puts there."""
    known = load("en")
    shown = {message for where, message in template_msgids() if where.startswith(DRAWN)}
    return {message: known[message] for message in sorted({*shown, *GIVEN}) if message in known}


def script() -> str:
    """The script as it is kept."""
    return f"self.portalEnglish = {json.dumps(words(), ensure_ascii=False, indent=0)};\n"


def write(path: Path = SCRIPT) -> None:
    """Writes the script."""
    path.write_text(script(), "utf-8")


if __name__ == "__main__":
    write()
