"""The same dialogues as forms of Rasa's: what its project says of them, and what its actions answer. Pure.

The hub is Rasa's action server and keeps where a dialogue stands: before each turn it puts Rasa's tracker there, so
that a Rasa that was restarted, or another one, goes on just the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.dialogue import place as places
from bot.dialogue import progress, report
from bot.dialogue.step import Asked, asked_of, plain_of, step, turned_of
from bot.dialogue.turned import Turned

# What each form asks for, in its order; `edit` is asked for only when something is to be changed.
ASKED = {report.FORM: (*report.SLOTS, report.CONFIRM), progress.FORM: progress.SLOTS, places.FORM: places.SLOTS}
BESIDES = {report.FORM: (report.EDIT,), progress.FORM: (), places.FORM: ()}
# Begun by the hub, once it knows the guide: no words of a citizen's begin them.
UNASKED = (places.FORM,)
TURNED = "dialogue_turned"
METADATA = "dialogue"

Event = Mapping[str, Any]


def domain(forms: Sequence[str]) -> dict[str, Any]:
    """Slots, forms and actions of these forms for ``domain.yml``."""
    named = [_slot(form, slot) for form in forms for slot in (*ASKED[form], *BESIDES[form])]
    slots = {name: _any() for name in (*named, TURNED)} if forms else {}
    asked = {_form(form): {"required_slots": [_slot(form, slot) for slot in ASKED[form]]} for form in forms}
    actions = [f"validate_{_form(form)}" for form in forms]
    actions += [f"action_ask_{name}" for name in named] + [_told(form) for form in forms]
    return {"slots": slots, "forms": asked, "actions": actions}


def rules(forms: Sequence[str]) -> list[dict[str, Any]]:
    """How each of these forms begins and ends, for ``rules.yml``."""
    found: list[dict[str, Any]] = []
    for form in forms:
        name = _form(form)
        begins = [{"intent": form}, {"action": name}, {"active_loop": name}]
        ends: list[dict[str, Any]] = [
            {"action": name},
            {"active_loop": None},
            {"slot_was_set": [{"requested_slot": None}]},
            {"action": _told(form)},
        ]
        if form not in UNASKED:
            found.append({"rule": f"{form} begins", "steps": begins})
        found.append({"rule": f"{form} ends", "condition": [{"active_loop": name}], "steps": ends})
    return found


def place(asked: Asked) -> list[Event]:
    """The events after which Rasa stands where the hub does."""
    begun: list[Event] = [
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen"},
    ]
    if not asked.kept:
        return begun
    return [
        *begun,
        {"event": "user", "text": f"/{asked.form}", "parse_data": {"intent": {"name": asked.form, "confidence": 1.0}}},
        {"event": "action", "name": _form(asked.form)},
        {"event": "active_loop", "name": _form(asked.form)},
        *_slots(asked.form, asked.kept),
        {"event": "action", "name": "action_listen"},
    ]


def answer(call: Mapping[str, Any]) -> dict[str, Any]:
    """What an action of Rasa's does; raises KeyError or TypeError for a call that is none."""
    name, tracker = str(call["next_action"]), call["tracker"]
    if name.startswith("validate_"):
        asked = asked_of(tracker["latest_message"]["metadata"][METADATA])
        turned = step(asked)
        events = [{"event": "slot", "name": TURNED, "value": plain_of(turned)}, *_slots(asked.form, turned.kept)]
        return {"events": events, "responses": []}
    told = tracker["slots"].get(TURNED) if name.startswith("action_") else None
    return {"events": [], "responses": [{"custom": {"turned": told}}] if told else []}


def read(answers: Sequence[Mapping[str, Any]]) -> Turned:
    """The turn in what Rasa's REST channel answered; raises LookupError or TypeError where there is none."""
    return next(turned_of(one["custom"]["turned"]) for one in answers if "custom" in one)


def _slots(form: str, kept: Mapping[str, Any]) -> list[Event]:
    """Each slot as it stands, and the one that is asked for: none once the dialogue is over."""
    filled = kept.get("slots", {})
    found: list[Event] = [
        {"event": "slot", "name": _slot(form, slot), "value": filled.get(slot)} for slot in ASKED[form]
    ]
    asked = kept.get("asked")
    return [*found, {"event": "slot", "name": "requested_slot", "value": _slot(form, str(asked)) if asked else None}]


def _form(form: str) -> str:
    return f"{form}_form"


def _slot(form: str, slot: str) -> str:
    return f"{form}_{slot}"


def _told(form: str) -> str:
    return f"action_{form}_told"


def _any() -> dict[str, Any]:
    return {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]}
