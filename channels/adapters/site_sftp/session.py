"""One SFTP session: the server's key is compared before anything secret is said, a file appears whole or not at all."""

from __future__ import annotations

import errno
import io
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import ClassVar

import paramiko

from channels.errors import OutcomeUnknown, Refused, Retryable, Unauthorised
from channels.transport import Dial, PrivateAddress

HANDSHAKE_SECONDS, CALL_SECONDS = 10.0, 20.0
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)
_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True)
class Door:
    """Where a server is, who enters, and by which keys it is known."""

    host: str
    port: int
    user: str
    known: Sequence[str]
    credentials: Mapping[str, str] = field(repr=False)


@contextmanager
def session(dial: Dial | None, door: Door) -> Iterator[Session]:
    """An open session; nothing that anybody sees has happened when this raises.

    Raises Retryable when the server is away, Refused when it is not the one that is known, Unauthorised when it does
    not let us in.
    """
    transport = _transport(dial, door)
    try:
        _shake_hands(transport, door)
        _enter(transport, door)
        yield Session(_subsystem(transport))
    finally:
        transport.close()


def _transport(dial: Dial | None, door: Door) -> paramiko.Transport:
    if dial is None:
        raise Refused("SFTP 不能经账号的代理连接，请清空代理或改用其他方式", field="proxy")
    try:
        transport = paramiko.Transport(dial(door.host, door.port))
    except PrivateAddress as refused:
        raise Refused(refused.message("zh")) from refused
    except (OSError, paramiko.SSHException) as failure:
        raise Retryable(f"连不上 SFTP 服务器 {door.host}:{door.port}") from failure
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = HANDSHAKE_SECONDS
    return transport


def _shake_hands(transport: paramiko.Transport, door: Door) -> None:
    try:
        transport.start_client(timeout=HANDSHAKE_SECONDS)
        found = transport.get_remote_server_key().fingerprint
    except (OSError, EOFError, paramiko.SSHException) as failure:
        raise Retryable("与 SFTP 服务器建立加密连接失败") from failure
    if found not in door.known:
        raise Refused(
            f"SFTP 服务器的主机密钥与登记的不符，未发送任何内容。服务器给出的是 {found}；"
            "请向平台管理员当面核对，确是更换了密钥再改账号的“主机密钥指纹”",
            code="host_key",
            field="settings.host_key",
        )


def _enter(transport: paramiko.Transport, door: Door) -> None:
    key = private_key(door.credentials)
    try:
        if key is not None:
            transport.auth_publickey(door.user, key)
        else:
            transport.auth_password(door.user, door.credentials.get("password", ""))
    except paramiko.AuthenticationException as refused:
        raise Unauthorised("SFTP 服务器不接受用户名和密钥（或密码）") from refused
    except (OSError, EOFError, paramiko.SSHException) as failure:
        raise Retryable("登录 SFTP 服务器时连接中断") from failure
    if not transport.is_authenticated():
        raise Unauthorised("SFTP 服务器还要求其他认证方式，只支持密钥或密码")


def _subsystem(transport: paramiko.Transport) -> paramiko.SFTPClient:
    try:
        client = paramiko.SFTPClient.from_transport(transport)
    except (OSError, EOFError, paramiko.SSHException) as failure:
        raise Retryable("服务器没有开启 SFTP") from failure
    if client is None:
        raise Retryable("服务器没有开启 SFTP")
    channel = client.get_channel()
    if channel is not None:
        channel.settimeout(CALL_SECONDS)
    return client


def private_key(credentials: Mapping[str, str]) -> paramiko.PKey | None:
    """The account's key; None where it has a password. Line breaks may be missing: a form's field drops them."""
    typed = credentials.get("private_key", "")
    if not typed.strip():
        return None
    found = _PEM.search(typed)
    if found is None:
        raise Unauthorised("私钥无法识别，应为 PEM 或 OpenSSH 格式，含 BEGIN 和 END 两行")
    label, body = found[1], "".join(found[2].split())
    lines = [body[first : first + 64] for first in range(0, len(body), 64)]
    pem = "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
    phrase = credentials.get("passphrase") or None
    for kind in _KINDS:
        with suppress(paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
            return kind.from_private_key(io.StringIO(pem), phrase)
    raise Unauthorised("私钥无法读取：支持 Ed25519、ECDSA 和 RSA；有口令的请同时填写私钥口令")


class Session:
    """What is done on the server; every path is absolute."""

    NOT_ALLOWED: ClassVar[str] = "SFTP 服务器不允许在目录 {folder} 写入，请平台管理员开通权限"

    def __init__(self, client: paramiko.SFTPClient) -> None:
        self._client = client

    def put(self, path: str, data: bytes, *, seen: bool = False) -> None:
        """Writes a file under another name and renames it. `seen`: once it has its name, the platform may act on it."""
        folder, name = posixpath.split(path)
        hidden = f"{folder}/.{name}.part"
        with _quiet(folder):
            self._folders(folder)
            with self._client.open(hidden, "wb") as file:
                file.set_pipelined(True)
                file.write(data)
            if self._client.stat(hidden).st_size != len(data):
                raise Retryable("文件没有传完整")
        with _seen(folder) if seen else _quiet(folder):
            self._rename(hidden, path)

    def size(self, path: str) -> int | None:
        """How long a file is; None where nothing stands."""
        with _quiet(posixpath.dirname(path)):
            try:
                found = self._client.stat(path).st_size
            except FileNotFoundError:
                return None
        return int(found or 0)

    def remove(self, path: str) -> bool:
        """Takes a file away; False where nothing stood."""
        with _quiet(posixpath.dirname(path)):
            try:
                self._client.remove(path)
            except FileNotFoundError:
                return False
        return True

    def _rename(self, old: str, new: str) -> None:
        try:
            self._client.posix_rename(old, new)
        except OSError as failure:
            if failure.errno is not None or "unsupported" not in str(failure).lower():
                raise
            # A server without the extension refuses to rename onto a file.
            with suppress(FileNotFoundError):
                self._client.remove(new)
            self._client.rename(old, new)

    def _folders(self, folder: str) -> None:
        """Makes what is missing of a path; the topmost folder is the platform's and must be there."""
        missing = []
        while folder not in ("", "/"):
            try:
                self._client.stat(folder)
                break
            except FileNotFoundError:
                missing.append(folder)
                folder = posixpath.dirname(folder)
        for one in reversed(missing):
            self._client.mkdir(one)


@contextmanager
def _quiet(folder: str) -> Iterator[None]:
    """What nobody acts on yet: a broken connection is simply tried again."""
    try:
        yield
    except (EOFError, paramiko.SSHException) as failure:
        raise Retryable("与 SFTP 服务器的连接中断") from failure
    except OSError as failure:
        raise _told(failure, folder) from failure


@contextmanager
def _seen(folder: str) -> Iterator[None]:
    """The one step after which the platform may have acted: a lost answer leaves it open."""
    try:
        yield
    except (EOFError, paramiko.SSHException, TimeoutError) as failure:
        raise OutcomeUnknown("改名后与 SFTP 服务器的连接中断") from failure
    except OSError as failure:
        if "closed" in str(failure).lower():
            raise OutcomeUnknown("改名后与 SFTP 服务器的连接中断") from failure
        raise _told(failure, folder) from failure


def _told(failure: OSError, folder: str) -> Refused | Retryable:
    if failure.errno == errno.EACCES:
        return Refused(Session.NOT_ALLOWED.format(folder=folder), code="EACCES")
    if failure.errno == errno.ENOENT:
        return Refused(f"SFTP 服务器上没有目录 {folder}", code="ENOENT")
    return Retryable(f"SFTP 服务器没有完成操作（{failure.strerror or failure}）")
