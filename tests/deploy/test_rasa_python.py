"""Where `make rasa` finds its Python 3.10: on PATH, then among pyenv's, then by uv, else one clear line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy import rasa

IS_IT = "echo True"
OLDER = "echo False"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders for PATH, for pyenv and for our own environment, with nothing in them but a uv that finds nothing."""
    for name in ("path", "pyenv", "venv"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    program(tmp_path / "venv" / "uv", "exit 1")
    return tmp_path


def program(path: Path, does: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


def test_on_path_first_then_pyenvs_newest_then_uvs(places: Path) -> None:
    uvs = program(places / "uvs" / "python3.10", IS_IT)
    program(places / "venv" / "uv", f'[ "$2" = find ] && echo {uvs}')
    assert rasa.find_python() == uvs
    older = program(places / "pyenv" / "versions" / "3.10.2" / "bin" / "python3.10", IS_IT)
    assert rasa.find_python() == older
    newer = program(places / "pyenv" / "versions" / "3.10.9" / "bin" / "python3.10", IS_IT)
    assert rasa.find_python() == newer
    first = program(places / "path" / "python3.10", IS_IT)
    assert rasa.find_python() == first
    program(places / "path" / "python3.10", OLDER)  # One that only calls itself so.
    assert rasa.find_python() == newer


def test_uv_is_asked_to_bring_one(places: Path) -> None:
    uvs = program(places / "uvs" / "python3.10", IS_IT)
    here = places / "installed"
    program(places / "venv" / "uv", f'[ "$2" = install ] && touch {here}; [ -e {here} ] && echo {uvs}')
    assert rasa.find_python() == uvs


def test_without_one_a_single_line_says_what_to_do(
    places: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rasa, "VENV", places / "none")
    monkeypatch.setattr(sys, "argv", ["rasa.py"])
    assert rasa.main() == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    for what in ("python3.10 on PATH", "pyenv install 3.10", "rasa/rasa:3.6.21", "XUANDA_RASA_URL"):
        assert what in said
