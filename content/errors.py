"""What can go wrong with content, in words for the person it happens to."""

from __future__ import annotations

from kernel.errors import XuandaError


class NoRight(XuandaError):
    """You may not {what}. Ask the unit's security administrator for the role."""

    zh = "您没有权限{what}。确有需要，请联系安全管理员授权。"
    status = 403


class Blocked(XuandaError):
    """The piece cannot be submitted: {count} finding(s) block it ({first}).
    Mend them, or ask the signer to lift them."""

    zh = "不能送审：有 {count} 处拦截问题（{first}）。请修改，或请签发人填写理由后放行。"
    status = 422


class OwnText(XuandaError):
    """Nobody signs or proofreads his own text. Ask somebody else with the role to do it."""

    zh = "不能审签、校对自己撰写的稿件。请由其他有权的人办理。"
    status = 403


class SignedBefore(XuandaError):
    """You have already signed this release at another level; each level needs a different person."""

    zh = "您已在本发布件的其他审级签过字，各审级须由不同的人审签。"
    status = 409


class HashChanged(XuandaError):
    """The release has changed since you opened it. Nothing was signed; read the new text and sign again."""

    zh = "发布件在您打开之后有变动，未签字。请查看最新内容后重新审签。"
    status = 409


class ProofsMissing(XuandaError):
    """{missing} proof pass(es) are missing. Record who proofread before the last signature."""

    zh = "还缺 {missing} 次校对登记。请先登记校对人，再作终审签发。"
    status = 409


class NotAPicture(XuandaError):
    """{name} is no picture that can be read ({why}). Upload JPEG, PNG, GIF, WebP or HEIC."""

    zh = "“{name}”不是可读取的图片（{why}）。请上传 JPEG、PNG、GIF、WebP 或 HEIC 格式。"
    status = 422


class OutsideWindow(XuandaError):
    """The time lies outside the signed window ({window}). Choose a time inside it, or have a new release signed."""

    zh = "所选时间不在已签发的时间窗内（{window}）。请在窗内选择，或重新送审。"
    status = 422
