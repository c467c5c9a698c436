"""The two faces of a drill, apart: an outer side in a folder of its own, and what carries files between them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hub import schema
from hub.outer import pairing
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build

CARRY_SECONDS = 0.2


class Apart(StrEnum):
    """How two faces without a shared database exchange."""

    HTTPS = "https"
    FILES = "files"


@dataclass(frozen=True)
class Between:
    """What lies between the two: the address citizens use, and the environment of either side."""

    way: Apart
    folder: Path
    site: str
    inner: Mapping[str, str]
    outer: Mapping[str, str]

    @property
    def log(self) -> Path:
        """What the outer side tells; beside the product's own log."""
        return self.folder.parent / "outer.log"

    @contextmanager
    def carried(self) -> Iterator[None]:
        """While this lasts, files are carried both ways, as a gap does it: the whole file, then gone where it was."""
        if self.way is Apart.HTTPS:
            yield
            return
        ended = threading.Event()
        carrier = threading.Thread(target=self._carry, args=(ended,), name="gap", daemon=True)
        carrier.start()
        try:
            yield
        finally:
            ended.set()
            carrier.join()

    def _carry(self, ended: threading.Event) -> None:
        while not ended.wait(CARRY_SECONDS):
            for source, target in (("inner", "outer"), ("outer", "inner")):
                for path in sorted((self.folder / f"{source}-out").glob("*.parcel")):
                    fresh = self.folder / f"{target}-in" / f".{path.name}"
                    fresh.write_bytes(path.read_bytes())
                    fresh.replace(fresh.with_name(path.name))
                    path.unlink()


def between(way: Apart, folder: Path, port: int) -> Between:
    """Prepares an outer side beside the product's folder, and pairs the two as the commands do."""
    site, gap = f"http://127.0.0.1:{port}", folder / "gap"
    outer = {
        "XUANDA_DATA": str(folder / "outer"),
        "XUANDA_HOST": "127.0.0.1",
        "XUANDA_PORT": str(port),
        "XUANDA_PUBLIC_URL": site,
    }
    inner = {"XUANDA_OUTER_URL": site}
    if way is Apart.FILES:
        for name in ("inner-in", "inner-out", "outer-in", "outer-out"):
            (gap / name).mkdir(parents=True)
        inner = {"XUANDA_EXCHANGE_IN": str(gap / "inner-in"), "XUANDA_EXCHANGE_OUT": str(gap / "inner-out")}
        outer |= {"XUANDA_EXCHANGE_IN": str(gap / "outer-in"), "XUANDA_EXCHANGE_OUT": str(gap / "outer-out")}
    gap.mkdir(parents=True, exist_ok=True)
    _pair(_migrated(Settings(data=folder)), _migrated(Settings(data=folder / "outer")))
    return Between(way, gap, site, inner, outer)


def _migrated(settings: Settings) -> Hub:
    hub = build(settings)
    schema.migrate(hub.engine)
    return hub


def _pair(inner: Hub, outer: Hub) -> None:
    try:
        with inner.works.write() as work:
            invited = pairing.invite(work, inner.seal)
        with outer.works.write() as work:
            answer = pairing.join(work, outer.seal, invited)
        with inner.works.write() as work:
            pairing.accept(work, answer)
    finally:
        inner.close()
        outer.close()
