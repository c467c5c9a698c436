"""Every act that the product writes into the audit log has words for the auditor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hub.web.act_words import DEEDS, OBJECTS, act_words
from tests.house.test_commit import sources
from tests.house.test_names import ROOT


def acts_in(path: Path) -> Iterator[str]:
    """The literal acts a file hands to `work.audit`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "audit"
            and node.args
        ):
            first = node.args[0]
            choices = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
            for choice in choices:
                if isinstance(choice, ast.Constant) and isinstance(choice.value, str):
                    yield choice.value


def test_every_act_has_its_words() -> None:
    mute = {f"{act} ({path.relative_to(ROOT)})" for path in sources() for act in acts_in(path) if act_words(act) == act}
    assert mute == set(), "add the object or the deed to hub/web/act_words.py"


def test_acts_are_named_alike() -> None:
    assert act_words("piece.submitted") == "稿件 · 送审"
    assert act_words("piece.submitted", "en") == "piece.submitted"
    assert act_words("dragon.slain") == "dragon.slain"
    assert all(word.strip() for word in (*OBJECTS.values(), *DEEDS.values()))
