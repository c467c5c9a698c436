"""Writes the office's questions as a Rasa project: what Rasa trains on and what the embedded engine reads."""

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.dialogue import rasa_form
from bot.nlu.background import default_background
from bot.nlu.classifier import Example
from bot.nlu.ranking import OUT_OF_SCOPE
from bot.nlu.text import MAX_CHARS
from bot.nlu.wire import FALLBACK, FAQ, faq_label
from kernel.errors import XuandaError

CONFIG = Path(__file__).parent / "rasa_project" / "config.yml"

ENOUGH_WORDINGS = 8
"""Below this many wordings a question is found too rarely: 0.64 of the time with two, 0.80 with eight."""

HANDOFF = "human_handoff"
REPORT, PROGRESS = "report", "progress"
HANDOFF_ACTION = "action_handoff"
DEFAULT = "utter_default"
# What an action answers, not a sentence of the domain's.
ACTED = (HANDOFF, REPORT, PROGRESS)

_VERSION = "3.1"
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MARKUP = str.maketrans({"[": "［", "]": "］", "{": "｛", "}": "｝", "<": "＜", ">": "＞"})


class BadKey(XuandaError):
    """The key "{key}" cannot be used: letters, digits, "_" and "-" only, each key once, none of Rasa's own."""

    zh = "标识“{key}”不能使用：只能包含字母、数字、“_”和“-”，不能重复，也不能与系统保留名相同。请修改后重试。"
    status = 422


@dataclass(frozen=True)
class Question:
    """A question of the CMS; what citizens get is looked up there by key, ``answer`` is only learned from."""

    key: str
    wordings: tuple[str, ...]
    answer: str = ""


@dataclass(frozen=True)
class Turn:
    """What is said around a question; the bot's own words answer it."""

    key: str
    wordings: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Project:
    """Everything the bot learns from; ``unanswered`` holds citizens' questions that belong elsewhere.

    Without any of those, remarks of the shipped background stand in: Rasa wants examples of every intent.

    ``sorry`` is said by Rasa's own dialogue when it does not know; the hub says it by its own rules.
    """

    questions: tuple[Question, ...]
    turns: tuple[Turn, ...]
    unanswered: tuple[str, ...] = ()
    sorry: str = "抱歉，这个问题我还不会回答，您可以换个说法，或回复“人工”转接工作人员。"


def write_project(project: Project, folder: Path) -> list[Path]:
    """Write ``config.yml``, ``domain.yml``, ``data/nlu.yml`` and ``data/rules.yml``; returns their paths.

    Files are the same for the same project, byte by byte. Raises `BadKey`.
    """
    _check_keys(project)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yml"
    shutil.copyfile(CONFIG, config)
    return [
        config,
        _write(folder / "domain.yml", _dump(_domain(project))),
        _write(data / "nlu.yml", _nlu(examples_of(project))),
        _write(data / "rules.yml", _dump(_rules(project))),
    ]


def examples_of(project: Project) -> list[Example]:
    """What the classifier learns, under the labels Rasa uses; the embedded engine fits on these.

    A wording that begins a dialogue is no question's as well: Rasa refuses the conflict, and neither would be sure.
    An answer is learned like one more wording: people ask in its words too.
    """
    begins = {_plain(wording) for turn in project.turns if turn.key in rasa_form.ASKED for wording in turn.wordings}
    answers = _answers(project)
    groups: list[tuple[str, Iterable[str]]] = [
        *(
            (faq_label(one.key), [*_besides(one.wordings, begins), *answers.get(one.key, ())])
            for one in project.questions
        ),
        *((turn.key, turn.wordings) for turn in project.turns),
        (OUT_OF_SCOPE, project.unanswered or _remarks()),
    ]
    return [
        Example(text, label)
        for label, wordings in groups
        for text in dict.fromkeys(_plain(wording) for wording in wordings)
        if text
    ]


def read_examples(path: Path) -> list[Example]:
    """The examples in an ``nlu.yml``, in the file's order."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Example(line.removeprefix("- "), block["intent"])
        for block in raw["nlu"]
        for line in block["examples"].splitlines()
    ]


def thin_questions(project: Project, enough: int = ENOUGH_WORDINGS) -> list[Question]:
    """The questions with fewer different wordings than it takes to find them."""
    return [
        question
        for question in project.questions
        if len({text for text in map(_plain, question.wordings) if text}) < enough
    ]


def _besides(wordings: Sequence[str], begins: Set[str]) -> Sequence[str]:
    """A question's wordings without those, unless it would be left with none."""
    return [wording for wording in wordings if _plain(wording) not in begins] or wordings


def _answers(project: Project) -> dict[str, list[str]]:
    """What each question is answered with, as far as it is read; not what several share: it tells none of them."""
    texts = {one.key: _plain(one.answer[:MAX_CHARS]) for one in project.questions}
    shared = Counter(texts.values())
    said = [one.wordings for one in project.questions] + [one.wordings for one in project.turns]
    asked = {_plain(wording) for wordings in said for wording in wordings}
    return {key: [text] for key, text in texts.items() if shared[text] == 1 and text not in asked}


def _remarks() -> tuple[str, ...]:
    return tuple(phrase for kind, phrase in default_background() if kind == "far")


def _check_keys(project: Project) -> None:
    taken = {FAQ, OUT_OF_SCOPE, FALLBACK}
    labels = [faq_label(question.key) for question in project.questions] + [turn.key for turn in project.turns]
    for label in labels:
        key = label.removeprefix(f"{FAQ}/")
        if label in taken or not _KEY.fullmatch(key):
            raise BadKey(key=key)
        taken.add(label)


def _plain(wording: str) -> str:
    """One line without what Rasa reads as markup: entity brackets, a payload's slash, a leading dash."""
    printable = "".join(char if char.isprintable() else " " for char in wording)
    return " ".join(printable.translate(_MARKUP).split()).lstrip("/-# ")


def _nlu(examples: Sequence[Example]) -> str:
    lines = [f'version: "{_VERSION}"', "nlu:"]
    label = ""
    for example in examples:
        if example.key != label:
            label = example.key
            lines += [f'- intent: "{label}"', "  examples: |"]
        lines.append(f"    - {example.text}")
    return "\n".join(lines) + "\n"


def _domain(project: Project) -> dict[str, Any]:
    answers = {f"utter_{faq_label(question.key)}": faq_label(question.key) for question in project.questions}
    answers |= {f"utter_{turn.key}": turn.answer for turn in project.turns if turn.key not in ACTED}
    answers[DEFAULT] = project.sorry
    several = rasa_form.domain(_forms(project))
    return {
        "version": _VERSION,
        "intents": _intents(project),
        "responses": {name: [{"text": text}] for name, text in answers.items()},
        "slots": several["slots"],
        "forms": several["forms"],
        "actions": [HANDOFF_ACTION, *several["actions"]],
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": False},
    }


def _rules(project: Project) -> dict[str, Any]:
    said = [(FAQ, f"utter_{FAQ}")] if project.questions else []
    forms = _forms(project)
    said += [
        (turn.key, HANDOFF_ACTION if turn.key == HANDOFF else f"utter_{turn.key}")
        for turn in project.turns
        if turn.key not in forms
    ]
    said += [(OUT_OF_SCOPE, DEFAULT), (FALLBACK, DEFAULT)]
    return {
        "version": _VERSION,
        "rules": [
            {"rule": f"{intent}: {action}", "steps": [{"intent": intent}, {"action": action}]}
            for intent, action in said
        ]
        + rasa_form.rules(forms),
    }


def _forms(project: Project) -> list[str]:
    """The turns that are taken in forms, and the forms that the hub begins where there are any."""
    begun = [turn.key for turn in project.turns if turn.key in rasa_form.ASKED]
    return [*begun, *rasa_form.UNASKED] if begun else []


def _intents(project: Project) -> list[str]:
    named = [FAQ] if project.questions else []
    return [*named, *(turn.key for turn in project.turns), OUT_OF_SCOPE]


def _dump(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
