"""Outside: what the bot answers within its seconds, by the same rules as inside, and what it leaves to the inside.

Whatever needs people is told at once in words that promise no more than is so: the message goes inside, where the
conversation gets its person or its ticket, and what is said there comes back.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot import rules
from bot.answering import LEAVE, Verdict
from bot.dialogue.turned import Report
from bot.handoff import Handoff, asks_for_person
from bot.hearing import CALM, MINUTE, Going, Heard, Told, hear
from bot.knowledge import Source
from bot.reply import Said
from bot.states import ConversationState
from bot.urgent import Danger, danger_in
from channels.accounts.models import Account
from hub.outer.sessions import Memory, Opened
from hub.product import Hub
from kernel.work import Work

S = ConversationState

# What the bot could not answer is written down as a ticket at once, where nobody is on duty.
UNANSWERED = ("refuse", "suggest", "sensitive", "bot_down")


@dataclass(frozen=True)
class Thought:
    """What was decided (None: left to the inside), what the citizen is told, and how the session stands then."""

    verdict: Verdict | None
    said: Said | None
    state: str
    memory: Memory


def fresh_memory(before: Memory | None = None) -> Memory:
    """Of somebody who begins; how much he said a moment before still counts."""
    fresh = Memory(engine=secrets.token_hex(16))
    return fresh if before is None else replace(fresh, lately=before.lately, flooded=before.flooded)


def think(
    hub: Hub, work: Work, held: Opened, account: Account | None, unit_id: int, told: Told, sender: str
) -> Thought:
    """Decides about a message; `work` reads."""
    row, memory = held.row, held.memory
    going = Going(
        id=row.id,
        unit_id=unit_id,
        account_id=account.id if account else None,
        channel=account.channel if account else "portal",
        sender=sender,
        state=row.state,
        pending=memory.pending,
        choices=list(memory.choices),
        failures=memory.failures,
        engine_session=memory.engine,
        urgent_at=work.now if memory.danger else None,
        acknowledged_at=None,
        lines=row.lines,
        dialogue=memory.dialogue,
    )
    heard = hear(work, told, going, hub.settings.office_zone, lambda: nullcontext(work))
    memory, flood = _counted(memory, heard)
    heard = replace(heard, first=not heard.own_page and not memory.spoke, flood=flood, last_source=memory.about)
    if not flood and _must_wait(hub, heard):
        return Thought(None, _passed_on(hub, heard), row.state, memory)
    verdict = hub.incoming.answering.decide(heard)
    return _thought(hub, heard, verdict, memory)


def _counted(memory: Memory, heard: Heard) -> tuple[Memory, str]:
    """Counts a message as `bot.hearing` counts those that are stored; no message of a session is stored here."""
    if heard.own_page:  # There the door counts.
        return memory, ""
    now, most = heard.at.timestamp(), int(heard.values[rules.MOST])
    lately = [at for at in memory.lately if at > now - MINUTE.total_seconds()]
    flood = "" if len(lately) < most else "told" if memory.flooded > now - CALM.total_seconds() else "new"
    lately = [*lately, now][-most:]
    return replace(memory, lately=lately, flooded=now if flood else memory.flooded), flood


def _must_wait(hub: Hub, heard: Heard) -> bool:
    """Whether the engine has nothing to answer from yet and the message needs it."""
    urgent = danger_in(heard.text, heard.urgent_words) is not None
    return heard.state == S.BOT and not urgent and not hub.incoming.engine.at_once()


def _thought(hub: Hub, heard: Heard, verdict: Verdict, memory: Memory) -> Thought:
    said, pending = _said(hub, heard, verdict, memory)
    state = heard.state
    if verdict.handoff is not None and verdict.handoff.way == "waiting" and state in (S.BOT, S.CLOSED):
        state = S.WAITING
    if heard.state == S.BOT:
        memory = replace(memory, pending=pending, choices=list(verdict.choices), failures=verdict.failures)
        moved = {} if verdict.handoff is not None else verdict.dialogue
        memory = memory if moved is None else replace(memory, dialogue=dict(moved))
    return Thought(
        verdict,
        said,
        state,
        replace(
            memory,
            spoke=memory.spoke or (said is not None and not said.rule),
            asked=memory.asked or (bool(heard.text) and not asks_for_person(heard.text)),
            danger=memory.danger or verdict.danger is not None,
            about=memory.about if said is None else said.sources[0].piece if said.sources else 0,
        ),
    )


def _said(hub: Hub, heard: Heard, verdict: Verdict, memory: Memory) -> tuple[Said | None, str]:
    """What the citizen is told now, and what the bot waits for then."""
    words, way = hub.incoming.words, verdict.handoff
    if verdict.leaves_word:
        return _passed_on(hub, heard), ""
    if verdict.filed is not None:  # Its number is given inside.
        return (verdict.said if heard.own_page else None), ""
    if way is None or way.reason == "danger":
        return verdict.said, verdict.pending
    if way.way == "waiting":
        name = "bot_down" if way.reason == "bot_down" else "handoff"
        return Said(words.waits(name, 0, 0, heard.hotline)), ""
    told = words.say("out_of_hours", hours=heard.desk.words, hotline=heard.hotline, ticket="")
    if verdict.outcome not in UNANSWERED and not memory.asked:
        return Said(told), LEAVE
    first, *_middle, last = told.splitlines()
    return Said(f"{first}\n{words.say('passed_on')}\n{last}"), ""


def _passed_on(hub: Hub, heard: Heard) -> Said | None:
    """That it is on its way to the office; nothing where a person has the conversation and answers himself."""
    return Said(hub.incoming.words.say("passed_on")) if heard.state == S.BOT and heard.own_page else None


# --- as it travels --------------------------------------------------------------------------------------------------


def packed(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a packet carries it."""
    return {**asdict(verdict), "said": pack_said(verdict.said), "more": [pack_said(one) for one in verdict.more]}


def unpacked(values: Mapping[str, Any]) -> Verdict:
    """The verdict again; raises KeyError or TypeError for what is none."""
    handoff, danger = values["handoff"], values["danger"]
    return Verdict(
        outcome=str(values["outcome"]),
        said=unpack_said(values["said"]),
        failures=int(values["failures"]),
        pending=str(values["pending"]),
        choices=[int(one) for one in values["choices"]],
        handoff=Handoff(**handoff) if handoff else None,
        danger=Danger(**danger) if danger else None,
        rating=int(values["rating"]),
        leaves_word=bool(values["leaves_word"]),
        dialogue=values.get("dialogue"),
        filed=Report(**values["filed"]) if values.get("filed") else None,
        wanted=dict(values.get("wanted") or {}),
        more=[said for one in values["more"] if (said := unpack_said(one)) is not None],
    )


def pack_said(said: Said | None) -> dict[str, Any] | None:
    """Words as a packet carries them."""
    return None if said is None else asdict(said)


def unpack_said(values: Mapping[str, Any] | None) -> Said | None:
    """The words again."""
    if values is None:
        return None
    sources = [Source(**one) for one in values["sources"]]
    return Said(
        str(values["text"]),
        sources,
        list(values["choices"]),
        str(values["ask"]),
        str(values["rule"]),
        dict(values.get("basis") or {}),
    )
