"""`xuanda settings`: what this installation is set to."""

from __future__ import annotations

import re

import typer
from pydantic import SecretStr

from hub.settings import Settings

PASSWORD_IN_ADDRESS = re.compile(r"(://[^/@:]*:)[^/@]*@")


def show_settings() -> None:
    """Prints every setting with its value in force and its meaning; secrets stay hidden."""
    settings = Settings()
    for name, field in Settings.model_fields.items():
        typer.echo(f"XUANDA_{name.upper()}={printable(getattr(settings, name))}")
        typer.echo(f"    {field.description}")


def printable(value: object) -> str:
    """A setting's value without its secrets."""
    if isinstance(value, SecretStr):
        return "(hidden)" if value.get_secret_value() else ""
    return PASSWORD_IN_ADDRESS.sub(r"\1(hidden)@", "" if value is None else str(value))
