"""Translations: Chinese sentences in the source are the keys, .po files beside the templates hold other languages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

FOLDER = Path(__file__).parent
LOCALE = FOLDER / "locale"
SOURCE_LANGUAGE = "zh"
TEMPLATE_SUFFIXES = (".html", ".txt", ".xml", ".json")


def _(message: str) -> str:
    """Marks a Chinese sentence in Python for translation; the template that shows it calls ``_(value)``."""
    return message


def load(language: str, folder: Path = LOCALE) -> dict[str, str]:
    """Sentences of one language from ``<language>.po`` and ``<language>.<part>.po``; empty for the source language."""
    sentences: dict[str, str] = {}
    for path in sorted(folder.glob(f"{language}.*po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if isinstance(message.id, str) and message.id and message.string and not message.fuzzy:
                    sentences[message.id] = str(message.string)
    return sentences


@cache
def _shipped(language: str) -> Mapping[str, str]:
    """The same for what is shipped, which does not change while a process runs."""
    return load(language)


class Translator:
    """Turns a Chinese sentence into one language; a sentence without a translation is shown as it stands."""

    def __init__(self, language: str, sentences: Mapping[str, str] | None = None) -> None:
        self.language = language
        self._sentences = _shipped(language) if sentences is None else sentences

    def __call__(self, message: str, /, **values: object) -> str:
        """Translates, then fills ``%(name)s`` places; without values a percent sign is an ordinary character."""
        text = self._sentences.get(message, message)
        return text % values if values else text


def template_msgids(folder: Path = FOLDER) -> Iterator[tuple[str, str]]:
    """Every literal ``_('…')`` in the templates, as (file relative to the folder, sentence)."""
    environment = Environment(autoescape=True)
    for path in sorted(folder.rglob("*")):
        if path.suffix in TEMPLATE_SUFFIXES and "static" not in path.parts:
            tree = environment.parse(path.read_text("utf-8"))
            for _line, _function, strings in extract_from_ast(tree, ("_",), babel_style=False):
                if isinstance(strings, tuple):
                    yield str(path.relative_to(folder)), str(strings[0])


def python_msgids(folder: Path) -> Iterator[tuple[str, str]]:
    """Every literal ``_("…")`` in a package's Python files, as (file relative to the folder, sentence)."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield str(path.relative_to(folder)), first.value


def missing(language: str, packages: tuple[Path, ...] = (FOLDER,)) -> dict[str, str]:
    """Sentences without a translation, with the first file that shows each."""
    known = load(language)
    found: dict[str, str] = {}
    for package in packages:
        for where, message in (*template_msgids(package), *python_msgids(package)):
            if message not in known:
                found.setdefault(message, f"{package.name}/{where}")
    return found


if __name__ == "__main__":
    root = FOLDER.parent
    names = ("kernel", "templates", "content", "channels", "scheduler", "bot", "analytics", "hub")
    for sentence, place in missing("en", tuple(root / name for name in names)).items():
        quoted = sentence.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        sys.stdout.write(f'#: {place}\nmsgid "{quoted}"\nmsgstr ""\n\n')
