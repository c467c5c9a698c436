"""Every setting and every command is documented; the pages are made from the code by `xuanda docs`."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from hub.cli import app
from hub.commands.reference import pages
from hub.commands.settings import printable
from hub.settings import Settings
from tests.house.test_names import ROOT

PAGES = pages(get_command(app))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_reference_page_is_up_to_date(name: str) -> None:
    kept = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert kept == PAGES[name], "run: xuanda docs"


def test_every_setting_says_what_it_does() -> None:
    silent = [name for name, field in Settings.model_fields.items() if len(field.description or "") < 15]
    assert silent == []


def test_every_command_and_option_has_help() -> None:
    silent = []
    waiting = [("xuanda", get_command(app))]
    while waiting:
        path, command = waiting.pop()
        if not command.help:
            silent.append(path)
        silent += [
            f"{path} {one.name}" for one in command.params if one.name != "help" and not getattr(one, "help", "")
        ]
        waiting += [(f"{path} {name}", child) for name, child in getattr(command, "commands", {}).items()]
    assert silent == []


def test_secrets_are_not_printed() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://xuanda:p%40ss@db:5432/xuanda",
        smtp_url="smtp://mail:sec:ret@host:25",
        notice_gateway_token="very-secret",
    )
    shown = " ".join(printable(getattr(settings, name)) for name in Settings.model_fields)
    assert re.search("p%40ss|sec:ret|very-secret", shown) is None
    assert "postgresql+psycopg://xuanda:(hidden)@db:5432/xuanda" in shown
