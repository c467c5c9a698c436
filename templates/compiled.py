"""What templates compile to, kept where Python keeps what it compiles: no process parses again what has not changed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from importlib.util import cache_from_source
from pathlib import Path

import structlog
from jinja2 import BytecodeCache, Environment, FileSystemLoader, Template
from jinja2.bccache import Bucket

log = structlog.get_logger(__name__)

FOLDER = Path(cache_from_source(str(Path(__file__).parent / "pages.py"))).with_suffix("")
_ONE = threading.RLock()


class CompiledOnce(BytecodeCache):
    """Kept for all languages and engines of this process, and in `folder` for the next.

    Where that folder cannot be written, as in an installation that another account owns, each process compiles for
    itself.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Gives what was compiled from these very words before."""
        kept = self._kept.get((bucket.key, bucket.checksum))
        if kept is None and self._folder is not None:
            try:
                kept = (self._folder / bucket.key).read_bytes()
            except OSError:
                return
        if kept is not None:
            bucket.bytecode_from_string(kept)  # Looks by itself whether it is of these words and of this Python.

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what was compiled."""
        made = self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()
        if self._folder is None or sys.dont_write_bytecode:
            return
        fresh = self._folder / f"{bucket.key}.{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(made)
            fresh.replace(self._folder / bucket.key)
        except OSError as failure:
            log.debug("a compiled template is not kept", why=type(failure).__name__)


class Brought:
    """Templates that packages of others bring, each below a prefix of its own and under no other name."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._loaders = {prefix: FileSystemLoader(folder) for prefix, folder in folders.items()}

    def loader_of(self, name: str) -> tuple[FileSystemLoader, str] | None:
        """What a name is read by, and the name there; None for one of ours."""
        prefix, slash, rest = name.rpartition("/")
        loader = self._loaders.get(f"{prefix}{slash}")
        return (loader, rest) if loader else None

    def names(self) -> list[str]:
        """Every template brought."""
        return [
            f"{prefix}{name}"
            for prefix, loader in self._loaders.items()
            for name in loader.list_templates()
            if "/" not in name
        ]


class OneAtATime(FileSystemLoader):
    """Compiles one template at a time: of many threads that want the same page at once, one does it for all.

    What packages of others bring is read with ours, in the same environment and by the same rules.
    """

    def __init__(self, folder: Path, brought: Brought | None = None) -> None:
        super().__init__(folder)
        self._brought = brought or Brought({})

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The words of a template, ours or brought."""
        found = self._brought.loader_of(template)
        return found[0].get_source(environment, found[1]) if found else super().get_source(environment, template)

    def list_templates(self) -> list[str]:
        """All of them."""
        return sorted({*super().list_templates(), *self._brought.names()})

    def load(self, environment: Environment, name: str, globals: MutableMapping[str, object] | None = None) -> Template:  # noqa: A002  # Jinja's own name.
        """The template, compiled by whoever came first."""
        with _ONE:
            return super().load(environment, name, globals)
