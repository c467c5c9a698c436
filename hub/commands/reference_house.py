"""The reference pages about the house itself: what each channel can do, and one sentence on every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from channels.base import ACTION_LABELS, Channel
from channels.registry import channels

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("kernel", "templates", "content", "channels", "scheduler", "bot", "analytics", "hub")


def channels_page() -> str:
    """Every installed channel with what it can show and do, and what its accounts need."""
    lines = [
        "# Channels",
        "",
        "Each is a plugin (entry point `xuanda.channels`); see [how to add one](../how-to/add-a-channel.md).",
        "",
    ]
    for name, adapter in sorted(channels().items()):
        lines += [f"## `{name}` {adapter.label}", "", *_limits(adapter), ""]
        if adapter.settings:
            lines += ["| setting | meaning |", "|---|---|"]
            lines += [
                f"| `{one.name}`{' (secret)' if one.secret else ''} | {one.label}。{one.help} |"
                for one in adapter.settings
            ]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def map_page() -> str:
    """The opening sentence of every module, in the order in which packages stand on one another."""
    lines = ["# Map", "", "What each module is for, in its own opening sentence; lower packages first.", ""]
    for package in PACKAGES:
        lines += [f"## `{package}/`", ""]
        lines += [f"- `{path}`: {sentence}" for path, sentence in _modules(package)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _limits(adapter: type[Channel]) -> list[str]:
    limits = adapter.limits
    acts = [*limits.actions, *sorted(limits.can - set(limits.actions))]
    facts = [
        f"- Acts: {', '.join(f'{act} ({ACTION_LABELS[act]})' for act in acts)}.",
        f"- Shows text as {limits.style}; {limits.items} item(s) a message; title up to {limits.title} characters.",
    ]
    if limits.needs_cover:
        facts.append("- Needs a cover picture.")
    return [*facts, *(f"- {note}" for note in limits.notes)]


def _modules(package: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        if said and "versions" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), " ".join(said.split("\n\n")[0].split())
