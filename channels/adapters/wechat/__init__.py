"""WeChat official accounts: articles out, messages in."""

from channels.adapters.wechat.channel import WeChatChannel

__all__ = ["WeChatChannel"]
