"""Deployment settings, from the environment (prefix XUANDA_); rules of the office live in the console instead."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting of an installation; the description of each is its documentation."""

    model_config = SettingsConfigDict(env_prefix="XUANDA_", extra="ignore")

    data: Path = Field(Path("var"), description="Folder for the database, files, keys and logs of a single machine.")
    database_url: str = Field(
        "",
        description="SQLAlchemy address; empty means SQLite in the data folder. "
        "postgresql+psycopg://… for many machines.",
    )
    files: Path | None = Field(
        None, description="Folder for uploaded files by SHA-256, shared by all machines; default <data>/files."
    )
    site: Path | None = Field(None, description="Folder the portal is written to; default <data>/site.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    public_url: str = Field(
        "",
        description="Address under which citizens reach the portal; default "
        "http://<host>:<port>. Used in links sent out.",
    )
    console_url: str = Field(
        "", description="Address of the console for links in notices to staff; default public_url."
    )
    zone: str = Field(
        "Asia/Shanghai", description="The office's time zone; everything is stored in UTC and shown in this zone."
    )
    engine: Literal["auto", "embedded", "queue"] = Field(
        "auto",
        description="What looks for due work: `embedded` in `xuanda serve`, `queue` in `xuanda worker` processes "
        "on PostgreSQL; `auto` is queue on PostgreSQL.",
    )
    clock_offset: float = Field(0.0, description="Seconds added to the machine's clock, for drills.")
    tick_seconds: float = Field(0.5, gt=0, description="How often the engine looks for due work, in seconds.")
    lease_seconds: float = Field(45.0, gt=0, description="How long one claim on a delivery lasts, in seconds.")
    sweep_seconds: float = Field(
        10.0,
        gt=0,
        description="How often stuck and late rows are looked for, in seconds; lease plus sweep stays below 60.",
    )
    send_timeout: float = Field(
        20.0, gt=0, description="Longest wait for one call to a platform, in seconds; must be shorter than the lease."
    )
    session_hours: float = Field(10.0, gt=0, description="How long a log-in lasts, in hours.")
    session_idle_minutes: float = Field(60.0, gt=0, description="A log-in unused for so many minutes ends.")
    lockout_failures: int = Field(5, ge=1, description="Wrong passwords in a row that lock an account.")
    lockout_minutes: float = Field(15.0, gt=0, description="How long a locked account stays locked, in minutes.")
    egress_address: str = Field(
        "",
        description="Address from which platforms see this installation's calls, shown where it must be entered in "
        "their whitelists; empty: learned from their refusals.",
    )
    secure_cookies: bool = Field(
        False, description="Cookies over HTTPS only; switch on wherever the console is served by HTTPS."
    )
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose X-Forwarded-For is believed, separated by commas."
    )
    upload_limit: int = Field(30 * 1024 * 1024, ge=1024, description="Largest upload, in bytes.")
    allowed_private: str = Field(
        "",
        description="host or host:port entries, separated by commas, that may be called "
        "although they are private addresses.",
    )
    link_check: bool = Field(
        True,
        description="Ask whether links in pieces answer, before they are submitted and daily once public; "
        "switch off where this machine cannot reach the Internet.",
    )
    smtp_url: str = Field("", description="smtp://user:password@host:port for notices by mail; empty means none.")
    smtp_sender: str = Field("", description="Sender address of notices by mail.")
    notice_gateway_url: str = Field(
        "", description="Address that takes notices as JSON by POST (SMS gateway); empty means none."
    )
    notice_gateway_token: SecretStr = Field(SecretStr(""), description="Bearer token for the notice gateway.")
    hotline_url: str = Field(
        "", description="Address of a 12345 system that takes tickets as signed JSON by POST; empty means none."
    )
    hotline_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret shared with the 12345 system, for the signatures of both ways; empty: it cannot call here.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token with which Prometheus reads /metrics; empty: there is no such page."
    )
    rasa_url: str = Field(
        "", description="Address of a Rasa server on a private network, as http://127.0.0.1:5005; empty: embedded."
    )
    rasa_token: SecretStr = Field(SecretStr(""), description="The Rasa server's --auth-token.")
    rasa_actions: str = Field(
        "http://127.0.0.1:8000/bot/actions",
        description="Where a Rasa started by `xuanda bot serve` reaches this product for its forms.",
    )
    rasa_python: Path = Field(
        Path(".venv-rasa/bin/python"), description="Python of Rasa's own environment, for training on this machine."
    )
    rehearsal_url: str = Field(
        "",
        description="Address of the rehearsal platforms (`xuanda rehearsal`), to which accounts in rehearsal publish; "
        "it may be private. Example: http://127.0.0.1:8009.",
    )
    rehearsal_callback: str = Field(
        "",
        description="Where the rehearsal platforms reach this product with results and messages; "
        "empty: XUANDA_PORT of this machine.",
    )
    outer_url: str = Field(
        "",
        description="Inside: address of the outer side, which is asked over HTTPS; it may be private. "
        "Empty: no outer side, or one that is reached by files.",
    )
    exchange_in: Path | None = Field(
        None, description="Folder in which the other side's files arrive (网闸); with XUANDA_EXCHANGE_OUT."
    )
    exchange_out: Path | None = Field(
        None, description="Folder from which files for the other side are fetched (网闸); with XUANDA_EXCHANGE_IN."
    )
    outer_silent_minutes: float = Field(
        5.0, gt=0, description="Minutes without a word from the outer side after which people are alarmed."
    )
    demo: bool = Field(
        False, description="Every account of this installation is connected to stand-ins; every page says so."
    )
    log_json: bool = Field(False, description="Log lines as JSON instead of text.")

    @property
    def database(self) -> str:
        """The database address in force."""
        return self.database_url or f"sqlite:///{self.data / 'xuanda.db'}"

    @property
    def uses_queue(self) -> bool:
        """Whether due work is done by worker processes."""
        return self.engine == "queue" or (self.engine == "auto" and self.database.startswith("postgresql"))

    @property
    def by_files(self) -> tuple[Path, Path] | None:
        """The two folders of the exchange by files; None where there is none."""
        return (self.exchange_in, self.exchange_out) if self.exchange_in and self.exchange_out else None

    @property
    def has_outer(self) -> bool:
        """Whether there is another side, or this is one that is reached by files."""
        return bool(self.outer_url) or self.by_files is not None

    @property
    def files_folder(self) -> Path:
        """Where uploaded files are kept."""
        return self.files or self.data / "files"

    @property
    def site_folder(self) -> Path:
        """Where the portal's pages are written."""
        return self.site or self.data / "site"

    @property
    def rehearsal_folder(self) -> Path:
        """What belongs to rehearsals: the platforms' ledger, and the portal as it was rehearsed."""
        return self.data / "rehearsal"

    @property
    def key_file(self) -> Path:
        """The installation's key, which closes the secrets of accounts."""
        return self.data / "secret.key"

    @property
    def address(self) -> str:
        """Where citizens reach this installation, without a trailing slash."""
        return (self.public_url or _http(self.host, self.port)).rstrip("/")

    @property
    def rehearsal_calls_back(self) -> str:
        """Where the rehearsal platforms reach this installation, without a trailing slash."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound.
        return (self.rehearsal_callback or _http(host, self.port)).rstrip("/")

    @property
    def console_address(self) -> str:
        """Where staff reach the console, without a trailing slash."""
        return (self.console_url or self.address).rstrip("/")

    @property
    def office_zone(self) -> ZoneInfo:
        """The office's time zone."""
        return ZoneInfo(self.zone)


def _http(host: str, port: int) -> str:
    """An address; one of IPv6 stands in brackets (RFC 3986, 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
