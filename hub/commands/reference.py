"""`xuanda docs`: writes the reference pages that are made from the code, so that they cannot fall behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import click
import typer

from analytics.metrics import METRICS
from hub.commands.reference_house import channels_page, map_page
from hub.commands.settings import printable
from hub.settings import Settings
from templates.catalogue import Translator


def write_reference(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the pages go.")] = Path("docs/reference"),
) -> None:
    """Writes the pages of docs/reference."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(context.find_root().command).items():
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(f"{folder / name}")


def pages(command_line: Any) -> dict[str, str]:
    """The generated pages by file name; `command_line` is the whole command line `xuanda`."""
    return {
        "settings.md": settings_page(),
        "commands.md": commands_page(command_line),
        "metrics.md": metrics_page(),
        "channels.md": channels_page(),
        "map.md": map_page(),
    }


def settings_page() -> str:
    """Every deployment setting with its default and meaning."""
    lines = [
        "# Settings",
        "",
        "Environment variables of one installation. `xuanda settings` prints the values in force. What the office",
        "decides for itself (deadlines, quiet hours, levels of signing) is set in the console under 规则, not here.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = printable(field.default)
        lines.append(f"| `XUANDA_{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |")
    return "\n".join(lines) + "\n"


def commands_page(command_line: Any) -> str:
    """Every command with its options, from the command line's own help."""
    lines = ["# Commands", "", "`xuanda --help` prints the same on the terminal.", ""]
    for path, command in _walk(command_line, "xuanda"):
        lines += [f"## `{path}`", "", (command.help or "").strip(), ""]
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def metrics_page() -> str:
    """Every metric of the manager's pages: what it is called, what it answers, how it is worked out."""
    english = Translator("en")
    lines = [
        "# Metrics",
        "",
        "What the figures under 传播分析 and on the workbench mean.",
        "",
        "| name | in the console | unit | question | formula |",
        "|---|---|---|---|---|",
    ]
    for metric in METRICS.values():
        cells = (metric.unit, metric.question, metric.formula)
        lines.append(f"| `{metric.name}` | {metric.label} | {' | '.join(english(cell).strip() for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _walk(command: Any, path: str) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        return [(path, command)]
    found = []
    for name, child in sorted(children.items()):
        if not child.hidden:
            found += _walk(child, f"{path} {name}")
    return found


def _row(parameter: click.Parameter) -> str:
    words = " ".join(parameter.opts) if parameter.param_type_name == "option" else f"{parameter.name}".upper()
    default = "" if parameter.required or parameter.default in (None, "", 0, False, ()) else f"`{parameter.default}`"
    return f"| `{words}` | {default} | {getattr(parameter, 'help', '') or ''} |"
