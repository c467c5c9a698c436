"""What can go wrong on the way in; none of these messages says whether an account exists."""

from __future__ import annotations

from kernel.errors import XuandaError


class SignedOut(XuandaError):
    """You are not logged in, or the log-in has ended. Log in and try again."""

    zh = "您尚未登录或登录已过期。请登录后重试。"
    status = 401


class WrongLogin(XuandaError):
    """The login name or password is wrong, or the account is locked or switched off. {failures} wrong passwords in a
    row lock an account for {minutes} minutes; the system administrator can set a new password."""

    zh = (
        "登录名或密码不对，或账号已锁定、停用。连续输错 {failures} 次，账号将锁定 {minutes} 分钟；"
        "忘记密码请联系系统管理员重置。"
    )
    status = 401


class CodeNeeded(XuandaError):
    """This account asks for the code from your authenticator app. Enter the six digits shown there now."""

    zh = "此账号已启用动态口令。请输入身份验证器当前显示的 6 位数字。"
    status = 401


class PasswordMustChange(XuandaError):
    """The password must be changed before anything else. Choose a new one, then go on."""

    zh = "请先修改密码，再继续使用。"
    status = 403


class Forged(XuandaError):
    """This request does not come from a page of the console, or the page is too old. Reload the page and send it again;
    what you typed is still in the form."""

    zh = "此请求不是从本系统页面发出，或页面已过期。请刷新页面后重新提交。"
    status = 403


class WeakPassword(XuandaError):
    """The password is not good enough: {why_en} Choose another one."""

    zh = "密码不符合要求：{why}请另设密码。"
    status = 422


class LinkRefused(XuandaError):
    """This link does not work: it was used, has expired, or the code was wrong too often. Ask for a new one."""

    zh = "此链接无效：已使用、已过期，或验证码多次输错。请重新获取链接。"
    status = 410


class WrongCode(XuandaError):
    """The code is wrong. {left} more tries, then the link stops working."""

    zh = "验证码不对，还可再试 {left} 次，之后链接将失效。"
    status = 401


class SecondNeeded(XuandaError):
    """{name} signs, reviews or answers citizens: a second administrator must agree first. The security administrators
    have been told; do it again once one of them has agreed. Nothing was changed."""

    zh = (
        "{name}承担审签或接待，须由另一名管理员（安全管理员）先同意。已通知安全管理员；对方同意后请再操作一次。"
        "未作任何更改。"
    )
    status = 403


class NotToGrant(XuandaError):
    """This role cannot be given or withdrawn: {why_en} Nothing was changed."""

    zh = "不能调整此授权：{why}未作任何更改。"
    status = 422
