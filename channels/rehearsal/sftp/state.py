"""What the stand-in SFTP server keeps: its own key, and of each site the folders and files."""

from __future__ import annotations

import posixpath

from pydantic import BaseModel

from channels.rehearsal.config import SftpSite


class File(BaseModel):
    """One file; `blob` is the key of its bytes."""

    blob: str
    size: int
    at: float


class Inbox(BaseModel):
    """One site's own root folder."""

    site: SftpSite
    files: dict[str, File] = {}
    folders: list[str] = ["/"]

    def has_folder(self, path: str) -> bool:
        """Whether a folder was made there."""
        return path in self.folders

    def names(self, folder: str) -> list[str]:
        """The paths that lie directly in a folder."""
        return sorted(path for path in (*self.files, *self.folders[1:]) if posixpath.dirname(path) == folder)


class SftpState(BaseModel):
    """All sites by user name; the server's key as PEM and the port it had, so that both outlive a restart."""

    host_key: str = ""
    port: int = 0
    inboxes: dict[str, Inbox] = {}

    def open(self, site: SftpSite) -> Inbox:
        """Creates a site, or gives an existing one new settings."""
        inbox = self.inboxes.setdefault(site.user, Inbox(site=site))
        inbox.site = site
        return inbox
