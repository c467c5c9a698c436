"""The one door to Jinja: pages, fragments and messages are rendered here from explicit values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined, nodes, pass_context, select_autoescape

from kernel.errors import XuandaError
from templates import filters
from templates.catalogue import Translator
from templates.compiled import FOLDER as COMPILED_FOLDER
from templates.compiled import Brought, CompiledOnce, OneAtATime
from templates.inline import wechat_html
from templates.lines import text_lines

FOLDER = Path(__file__).parent
PARTIALS = "partials"
OUTBOUND = "outbound"


class UnknownBlock(XuandaError):
    """The template {name} has no block {block}. The page and its template disagree: tell the administrator."""

    zh = "页面模板 {name} 没有片段 {block}，页面与模板不一致。请联系系统管理员。"


class TemplateMissing(XuandaError):
    """There is no template for this, looked for: {names}. Add one under templates/ and try again."""

    zh = "缺少页面模板，找过：{names}。请联系系统管理员。"


class Keeping(Protocol):
    """What a page is drawn for, and remembers parts of it."""

    drawn: dict[tuple[str, ...], str]


def once(language: str, about: Keeping, macro: Callable[..., str], *words: str) -> str:
    """What a macro draws of this and these words; asked again, it is taken from what is remembered."""
    key = (language, macro.name, *words)  # type: ignore[attr-defined]  # Jinja's macros have names.
    if key not in about.drawn:
        about.drawn[key] = macro(about, *words)
    return about.drawn[key]


def _is_drawn(name: str) -> bool:
    return name.endswith(DRAWN) and not name.startswith(NOT_DRAWN)


def _when_drawn(own: Callable[..., object]) -> Callable[..., object]:
    """A filter of ours that is asked when a page is drawn: what it makes of a constant is not compiled into the page.

    What is compiled is kept, and a style sheet's address, for one, changes with the sheet and not with the page.
    """
    return pass_context(lambda _context, *values, **named: own(*values, **named))


def _blank_for_none(value: object) -> object:
    return "" if value is None else value


@cache
def _macros(path: Path) -> tuple[str, ...]:
    """The names a file of components offers; the same in every language, so it is parsed once."""
    names = [macro.name for macro in Environment().parse(path.read_text("utf-8")).find_all(nodes.Macro)]  # noqa: S701  # Nothing is rendered.
    return tuple(macro for macro in names if not macro.startswith("_"))


COMPILED = CompiledOnce(COMPILED_FOLDER)
# What a reader is shown; the rest of the folder are scripts, styles, translations and modules.
DRAWN = (".html", ".txt", ".xml")
NOT_DRAWN = ("static/", "locale/")


class _Environment(Environment):
    """Jinja's, whose templates have the environment's globals as one plain dict.

    Its own chain of two is copied through Python for every template, import and macro of every page. What is added to
    the globals after a template was read is therefore not seen by it.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of one template."""
        return {**self.globals, **(d or {})}


class Components:
    """All macros of ``partials/`` under one name, so that pages and single blocks use them without imports."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment = environment
        self._found: dict[str, object] = {}
        self._files = {
            macro: name
            for name in environment.list_templates(filter_func=lambda name: name.startswith(f"{PARTIALS}/"))
            for macro in _macros(folder / name)
        }

    def __getattr__(self, macro: str) -> object:
        if macro.startswith("_") or macro not in self._files:
            raise AttributeError(macro)
        if macro not in self._found or self._environment.auto_reload:
            self._found[macro] = getattr(self._environment.get_template(self._files[macro]).module, macro)
        return self._found[macro]

    def __dir__(self) -> Iterable[str]:
        return sorted(self._files)


class Engine:
    """Renders templates in the languages it was made for.

    ``zone`` is the office's time zone, ``now`` gives the present as an aware UTC datetime, ``static_prefix`` is where
    ``templates/static`` is served, ``reload`` looks for changed files at every call (development). ``outbound`` are
    folders that packages of others bring for their own channels, by channel; where we have one of that name, ours is
    taken.
    """

    def __init__(
        self,
        languages: Iterable[str] = ("zh", "en"),
        *,
        zone: ZoneInfo | str = "Asia/Shanghai",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        static_prefix: str = "/static",
        folder: Path = FOLDER,
        outbound: Mapping[str, Path] | None = None,
        reload: bool = False,
    ) -> None:
        self.zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        self.folder = folder
        self.outbound = {
            name: brought for name, brought in (outbound or {}).items() if not (folder / OUTBOUND / name).is_dir()
        }
        self._brought = Brought({f"{OUTBOUND}/{name}/": brought for name, brought in self.outbound.items()})
        self._now = now
        self._static = filters.static_address(folder / "static", static_prefix, reload=reload)
        self._environments = {language: self._environment(language, reload) for language in languages}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages this engine renders, the default first."""
        return tuple(self._environments)

    def render(self, name: str, /, language: str = "zh", **context: Any) -> str:
        """One template as text. Raises jinja2's UndefinedError when a value it shows was not passed."""
        return self._environments[language].get_template(name).render(context)

    def render_block(self, name: str, block: str, /, language: str = "zh", **context: Any) -> str:
        """One block of a template, for an answer to htmx that replaces a part of the page. Raises UnknownBlock."""
        template = self._environments[language].get_template(name)
        if block not in template.blocks:
            raise UnknownBlock(name=name, block=block)
        return "".join(template.blocks[block](template.new_context(context)))

    def get_ready(self) -> None:
        """Reads every template now, so that nobody's first look at a page waits for it."""
        for environment in self._environments.values():
            for name in environment.list_templates(filter_func=_is_drawn):
                environment.get_template(name)

    def has(self, name: str) -> bool:
        """Whether a template of this name exists."""
        return (self.folder / name).is_file() or name in self._brought.names()

    def choose(self, *names: str) -> str:
        """The first of these that exists: a kind's own before the channel's default. Raises TemplateMissing."""
        for name in names:
            if self.has(name):
                return name
        raise TemplateMissing(names=", ".join(names))

    def translate(self, message: str, /, language: str = "zh", **values: object) -> str:
        """A Chinese sentence of the catalogue in one language, its ``%(name)s`` places filled."""
        translator: Translator = self._environments[language].globals["_"]  # type: ignore[assignment]  # set below
        return translator(message, **values)

    def _environment(self, language: str, reload: bool) -> Environment:
        translator = Translator(language)
        environment = _Environment(
            loader=OneAtATime(self.folder, self._brought),
            # Plain text for Weibo, push and the bot must keep its characters.
            autoescape=select_autoescape(("html", "xml"), default_for_string=True, default=False),
            undefined=StrictUndefined,
            finalize=_blank_for_none,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=reload,
            cache_size=-1,
            bytecode_cache=COMPILED,
        )
        own: dict[str, Callable[..., object]] = {
            "local_time": lambda value: filters.local_time(value, self.zone),
            "local_date": lambda value: filters.local_date(value, self.zone),
            "ago": lambda value: filters.ago(value, self._now(), self.zone, translator),
            "rfc822": format_datetime,
            "bytes": filters.size,
            "number": filters.number,
            "text_lines": text_lines,
            "width": filters.width,
            "shorten": filters.shorten,
            "headings": filters.headings,
            "mask_phone": filters.mask_phone,
            "mask_id": filters.mask_id,
            "static": self._static,
            "wechat_html": wechat_html,
        }
        environment.filters.update({name: _when_drawn(own_filter) for name, own_filter in own.items()})
        environment.globals.update({"_": translator, "language": language, "now": self._now})
        environment.globals["once"] = partial(once, language)
        environment.globals["ui"] = Components(environment, self.folder)
        return environment
