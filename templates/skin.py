"""The English skin of the portal: what the labels of its pages are called, as a script that only who asks for it loads.

`python -m templates.skin` writes it anew after a label or its translation has changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from templates.catalogue import FOLDER, load, template_msgids

SCRIPT = FOLDER / "static" / "portal-english.js"
DRAWN = ("outbound/portal/", "pages/public/")
# Labels that pages are given as values.
GIVEN = (
    "首页", "全部", "有效", "废止", "失效", "主动公开", "依申请公开",
    "栏目", "部门", "时间", "一周内", "一月内", "一年内", "附件", "留言公开",
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
