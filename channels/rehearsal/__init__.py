"""Our own stand-in platforms, one process that behaves as WeChat, Weibo, JPush and a web push service do."""
