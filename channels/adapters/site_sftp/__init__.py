"""A site on another platform (集约化平台) that takes files by SFTP."""

from __future__ import annotations

from channels.adapters.site_sftp.channel import SiteSftpChannel

__all__ = ["SiteSftpChannel"]
