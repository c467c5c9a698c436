"""A real SFTP server on a port of its own: threads speak the protocol, every change happens on the world's own loop."""

from __future__ import annotations

import asyncio
import hmac
import io
import posixpath
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import paramiko
from paramiko import SFTP_FAILURE, SFTP_NO_SUCH_FILE, SFTP_OK, SFTP_PERMISSION_DENIED

from channels.rehearsal.sftp.state import File, Inbox

if TYPE_CHECKING:
    from channels.rehearsal.world import World

Answer = TypeVar("Answer")
LOOP_SECONDS = 10.0
MOST_BYTES = 64_000_000
_FOLDER, _FILE = 0o040755, 0o100644


class SftpServer:
    """Listens from the first site that is opened until the world is closed."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self.world = world
        self._loop = loop
        state = world.state.sftp
        if state.host_key:
            self.key = paramiko.ECDSAKey.from_private_key(io.StringIO(state.host_key))
        else:
            self.key = paramiko.ECDSAKey.generate(bits=256)
        self._listener = self._listen(state.port or world.config.sftp_port)
        self._open: set[paramiko.Transport] = set()
        self.remember()
        threading.Thread(target=self._accept, name="rehearsal-sftp", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def fingerprint(self) -> str:
        """What a client is told to expect."""
        return str(self.key.fingerprint)

    def remember(self) -> None:
        """Keeps key and port in the state, also after all was forgotten."""
        kept = io.StringIO()
        self.key.write_private_key(kept)
        self.world.state.sftp.host_key, self.world.state.sftp.port = kept.getvalue(), self.port

    def close(self) -> None:
        """Stops listening and cuts what is connected."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in list(self._open):
            transport.close()

    def on_loop(self, act: Callable[[], Answer]) -> Answer:
        """What `act` gives, done where all of the world is done."""

        async def run() -> Answer:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(LOOP_SECONDS)

    def _listen(self, port: int) -> socket.socket:
        address = self.world.config.sftp_host
        try:
            return socket.create_server((address, port))
        except OSError:  # Somebody took it meanwhile: whoever enters a rehearsal anew is told the new one.
            return socket.create_server((address, 0))

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self, transport)
            self._open = {one for one in self._open if one.is_active()} | {transport}
            # It answers in a thread of its own; whoever breaks off while shaking hands is simply gone.
            transport.start_server(event=threading.Event(), server=_Door(self, transport))


class _Door(paramiko.ServerInterface):  # type: ignore[misc]  # Paramiko has no types.
    """Who may enter."""

    def __init__(self, server: SftpServer, transport: paramiko.Transport) -> None:
        self._server = server
        self._transport = transport

    def get_allowed_auths(self, username: str) -> str:  # Paramiko's own signature.
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        inbox = self._server.world.state.sftp.inboxes.get(username)
        known = inbox is not None and inbox.site.password != ""
        fits = known and inbox is not None and hmac.compare_digest(inbox.site.password.encode(), password.encode())
        return self._told(username, fits)

    def check_auth_publickey(self, username: str, key: Any) -> int:
        inbox = self._server.world.state.sftp.inboxes.get(username)
        return self._told(username, inbox is not None and inbox.site.public_key == key.get_base64())

    def check_channel_request(self, kind: str, chanid: int) -> int:  # Paramiko's own signature.
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)

    def _told(self, user: str, fits: bool) -> int:
        world = self._server.world
        fault = self._server.on_loop(lambda: world.faults.take("sftp", "auth", user))
        if fits and fault is None:
            return int(paramiko.AUTH_SUCCESSFUL)
        self._server.on_loop(lambda: world.ledger.add("sftp", user, "refused", why="auth"))
        return int(paramiko.AUTH_FAILED)


class _Files(paramiko.SFTPServerInterface):  # type: ignore[misc]  # Paramiko has no types.
    """One session in a site's own folder."""

    def __init__(self, _door: _Door, server: SftpServer, transport: paramiko.Transport) -> None:
        super().__init__(_door)
        self.server = server
        self.transport = transport
        self.user = str(transport.get_username())

    def act(self, operation: str, act: Callable[[Inbox], Any]) -> Any:
        """Does something to the inbox, unless a fault is in force for it."""
        world = self.server.world
        fault = self.server.on_loop(lambda: world.faults.take("sftp", operation, self.user))
        if fault is not None:
            self.server.on_loop(lambda: world.ledger.add("sftp", self.user, "fault", fault=fault.kind, path=operation))
            if fault.kind in ("delay", "timeout"):
                time.sleep(fault.seconds)
            if fault.kind in ("timeout", "cut_before"):
                self.transport.close()
                return SFTP_FAILURE
            if fault.kind in ("errcode", "http_5xx"):
                return fault.code if fault.kind == "errcode" else SFTP_FAILURE
        answer = self.server.on_loop(lambda: self._done(act))
        if fault is not None and fault.kind == "cut_after":
            self.transport.close()
        return answer

    def _done(self, act: Callable[[Inbox], Any]) -> Any:
        inbox = self.server.world.state.sftp.inboxes.get(self.user)
        if inbox is None:
            return SFTP_PERMISSION_DENIED
        self.server.world.touch()
        return act(inbox)

    def list_folder(self, path: str) -> Any:
        def found(inbox: Inbox) -> Any:
            if not inbox.has_folder(path):
                return SFTP_NO_SUCH_FILE
            return [_about(inbox, one, named=True) for one in inbox.names(path)]

        return self.act("list", found)

    def stat(self, path: str) -> Any:
        return self.act("stat", lambda inbox: _about(inbox, path) or SFTP_NO_SUCH_FILE)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:  # Paramiko's own signature.
        world = self.server.world

        def found(inbox: Inbox) -> Any:
            if not inbox.has_folder(posixpath.dirname(path)):
                return SFTP_NO_SUCH_FILE
            if inbox.site.read_only:
                return SFTP_PERMISSION_DENIED
            kept = inbox.files.get(path)
            return _Handle(self, path, (world.blobs.get(kept.blob) if kept else None) or b"", flags)

        return self.act("open", found)

    def remove(self, path: str) -> Any:
        def gone(inbox: Inbox) -> int:
            if inbox.files.pop(path, None) is None:
                return int(SFTP_NO_SUCH_FILE)
            self.tell("file_gone", path)
            return int(SFTP_OK)

        return self.act("remove", gone)

    def rename(self, oldpath: str, newpath: str) -> Any:
        return self.act("rename", lambda inbox: self._moved(inbox, oldpath, newpath, onto=False))

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        return self.act("rename", lambda inbox: self._moved(inbox, oldpath, newpath, onto=True))

    def mkdir(self, path: str, attr: Any) -> Any:  # Paramiko's own signature.
        def made(inbox: Inbox) -> int:
            if not inbox.has_folder(posixpath.dirname(path)) or inbox.has_folder(path):
                return int(SFTP_FAILURE)
            inbox.folders.append(path)
            return int(SFTP_OK)

        return self.act("mkdir", made)

    def _moved(self, inbox: Inbox, old: str, new: str, *, onto: bool) -> int:
        if old not in inbox.files:
            return int(SFTP_NO_SUCH_FILE)
        if new in inbox.files and not onto:
            return int(SFTP_FAILURE)
        inbox.files[new] = inbox.files.pop(old)
        self.tell("file", new, size=inbox.files[new].size)
        return int(SFTP_OK)

    def tell(self, kind: str, path: str, **more: Any) -> None:
        """Writes a line about a file that has its own name; what is still on its way is nobody's business."""
        if not posixpath.basename(path).startswith("."):
            self.server.world.ledger.add("sftp", self.user, kind, path=path, **more)


class _Handle(paramiko.SFTPHandle):  # type: ignore[misc]  # Paramiko has no types.
    """One file being read or written; its bytes are kept when it is closed."""

    def __init__(self, files: _Files, path: str, kept: bytes, flags: int) -> None:
        super().__init__(flags)
        self._files = files
        self._path = path
        self._writes = bool(flags & 0x3)
        self._bytes = bytearray(b"" if self._writes and flags & 0x200 else kept)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._bytes[offset : offset + length])

    def write(self, offset: int, data: bytes) -> int:
        if offset + len(data) > MOST_BYTES:
            return int(SFTP_FAILURE)
        self._bytes[len(self._bytes) :] = b"\0" * max(0, offset - len(self._bytes))
        self._bytes[offset : offset + len(data)] = data
        return int(SFTP_OK)

    def stat(self) -> Any:
        made = paramiko.SFTPAttributes()
        made.st_size, made.st_mode = len(self._bytes), _FILE
        return made

    def close(self) -> None:
        super().close()
        if not self._writes:
            return
        self._writes = False
        world, content = self._files.server.world, bytes(self._bytes)

        def kept(inbox: Inbox) -> None:
            inbox.files[self._path] = File(blob=world.blobs.put(content), size=len(content), at=world.clock.now())
            self._files.tell("file", self._path, size=len(content))

        self._files.act("close", kept)


def _about(inbox: Inbox, path: str, *, named: bool = False) -> Any:
    made = paramiko.SFTPAttributes()
    made.filename = posixpath.basename(path) if named else ""
    if inbox.has_folder(path):
        made.st_mode, made.st_size = _FOLDER, 0
        return made
    file = inbox.files.get(path)
    if file is None:
        return None
    made.st_mode, made.st_size, made.st_mtime = _FILE, file.size, int(file.at)
    return made
