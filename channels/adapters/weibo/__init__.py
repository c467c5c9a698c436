"""Sina Weibo: posts out, the fan service's messages in."""

from channels.adapters.weibo.channel import WeiboChannel

__all__ = ["WeiboChannel"]
