"""What can go wrong with a preview, in words for the person it happens to."""

from __future__ import annotations

from kernel.errors import XuandaError


class LosesContent(XuandaError):
    """{account} takes {count} thing(s) away that readers need: {first} Mend the text, or let it pass with a reason."""

    zh = "“{account}”会去掉 {count} 处内容：{first}请修改稿件，或由签发人写明理由放行后再签。"
    status = 422


class NotPreviewed(XuandaError):
    """{account} has not shown a preview of these words yet ({why}), and this office signs only with one."""

    zh = "“{account}”还没有这一版的平台预览（{why}），本单位规定取得预览后才能签。请稍候或重新生成预览。"
    status = 422
