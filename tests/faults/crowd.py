"""The people of the soak: citizens in the portal's chat and on WeChat, agents at the desk, each through the real doors.

Everybody keeps what he sent and what he saw; nobody looks into the database. What was not acknowledged is sent again
under the same key, as a page does.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

HAND = "转人工"
MINE, WAITING, TAKEN = 4, 3, 409
QUEUE = re.compile(r'<section class="queue">(.*?)</section>', re.S)
LINE = re.compile(r'href="/console/desk/(\d+)"(.*?)</a>', re.S)


@dataclass
class Scene:
    """Where platforms stand, until when everybody goes on, and how long a person thinks."""

    platforms: str
    appid: str
    ends: float
    pause: float
    questions: Sequence[str]
    # Set once something was broken: from then on what got no answer is no fault, but it is counted.
    broken: threading.Event
    faults: list[str] = field(default_factory=list)
    # Refusals and broken connections that were met by sending again.
    again: int = 0

    def over(self) -> bool:
        """Whether nobody begins anything any more."""
        return asyncio.get_running_loop().time() >= self.ends

    async def think(self, chance: Random) -> None:
        """As long as a person does, more or less."""
        await asyncio.sleep(self.pause * (0.5 + chance.random()))


@dataclass
class Talk:
    """One conversation of the portal's chat as its citizen knows it: what he sent, and the lines he saw by number."""

    id: int
    sent: list[str] = field(default_factory=list)
    seen: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Visitor:
    """A citizen on the portal, with a stream open all the time, as the page has."""

    number: int
    scene: Scene
    client: httpx.AsyncClient
    talks: list[Talk] = field(default_factory=list)
    _token: str = ""
    _state: str = ""

    async def live(self) -> None:
        """Comes back with a new conversation as long as the soak lasts."""
        chance = Random(self.number)  # noqa: S311  # Invented people, the same each time.
        await asyncio.sleep(chance.random() * self.scene.pause)
        while not self.scene.over():
            await self._begin()
            stream = asyncio.create_task(self._listen(self.talks[-1]))
            await self._talk(chance)
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
            await self._catch_up()

    async def _begin(self) -> None:
        said = await _insist(self.scene, lambda: self.client.post("/chat/start", headers=self._headers()))
        self._token, self._state = said["token"], said["state"]
        self.talks.append(Talk(said["id"]))
        self._see(self.talks[-1], said["lines"])

    async def _talk(self, chance: Random) -> None:
        wants_person = chance.random() < 0.4
        for turn in range(6):
            if self.scene.over() or self._state == "closed":
                return
            hand = wants_person and turn == 2
            text = HAND if hand else f"{chance.choice(self.scene.questions)} {self.number}-{turn}"
            await self._say(text)
            await self.scene.think(chance)

    async def _say(self, text: str) -> None:
        talk = self.talks[-1]
        body = {"key": f"k{len(talk.sent)}", "text": text, "after": max(talk.seen, default=0)}
        url = f"/chat/{talk.id}/messages"
        said = await _insist(
            self.scene, lambda: self.client.post(url, json=body, headers=self._headers()), refused=TAKEN
        )
        if said:
            talk.sent.append(text)
            self._state = said["state"]
            self._see(talk, said["lines"])
        else:
            self._state = "closed"

    async def _listen(self, talk: Talk) -> None:
        while True:
            headers = {**self._headers(), "Last-Event-ID": str(max(talk.seen, default=0))}
            try:
                url = f"/chat/{talk.id}/events"
                async with self.client.stream("GET", url, headers=headers, timeout=None) as stream:
                    async for line in stream.aiter_lines():
                        if line.startswith("data: "):
                            told = json.loads(line[6:])
                            self._state = told["state"]
                            self._see(talk, told["lines"])
            except httpx.HTTPError:
                self.scene.again += 1
            await asyncio.sleep(1)

    async def _catch_up(self) -> None:
        talk = self.talks[-1]
        url = f"/chat/{talk.id}/lines"
        said = await _insist(self.scene, lambda: self.client.get(url, headers=self._headers()))
        self._see(talk, said["lines"])

    def _see(self, talk: Talk, lines: Sequence[dict[str, Any]]) -> None:
        for line in lines:
            shown = (line["side"], line["text"])
            if talk.seen.setdefault(line["number"], shown) != shown:
                self.scene.faults.append(f"conversation {talk.id}: line {line['number']} was two different things")

    def _headers(self) -> dict[str, str]:
        address = f"10.{self.number // 250}.{self.number % 250}.9"
        proof = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return {"X-Forwarded-For": address, **proof}


@dataclass
class Follower:
    """A citizen on WeChat: the platform pushes what he says, in AES, and tells how long the answer took."""

    number: int
    scene: Scene
    client: httpx.AsyncClient
    # Each text with whether the platform brought it to us; what it could not, it told him after all its tries.
    tried: list[tuple[str, bool]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def openid(self) -> str:
        """What the platform calls him."""
        return f"o{self.number:06d}"

    async def live(self) -> None:
        """Writes as long as the soak lasts."""
        chance = Random(self.number)  # noqa: S311  # Invented people, the same each time.
        await asyncio.sleep(chance.random() * self.scene.pause)
        while not self.scene.over():
            turn = len(self.tried)
            hand = turn % 5 == 3 and chance.random() < 0.5
            text = HAND if hand else f"{chance.choice(self.scene.questions)} {self.number}-{turn}"
            url = f"{self.scene.platforms}/control/wechat/{self.scene.appid}/push"
            told = (await self.client.post(url, json={"openid": self.openid, "content": text})).json()
            self.seconds.append(told["seconds"])
            given_up = not told["answered"] and self.scene.broken.is_set()
            self.tried.append((text, not given_up))
            if not given_up and (not told["answered"] or told["fault"]):
                self.scene.faults.append(f"{self.openid}: {told['fault'] or told['tries']}")
            await self.scene.think(chance)


@dataclass
class Agent:
    """Somebody at the desk: a stream, the lists again and again, takes who waits, answers, closes."""

    number: int
    scene: Scene
    client: httpx.AsyncClient
    csrf: str
    # What the product acknowledged, by conversation.
    answered: dict[int, list[str]] = field(default_factory=dict)
    told: int = 0

    async def live(self) -> None:
        """Works as long as the soak lasts."""
        chance = Random(self.number)  # noqa: S311  # Invented people, the same each time.
        stream = asyncio.create_task(self._listen())
        await asyncio.sleep(chance.random() * 2)
        while not self.scene.over():
            waiting, mine = await self._lists()
            for conversation in mine:
                await self._answer(conversation)
            if len(mine) < MINE and waiting:
                await self._act(chance.choice(waiting[:5]), "take")
            await asyncio.sleep(1 + chance.random() * 2)
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async with self.client.stream("GET", "/console/desk/events", timeout=None) as stream:
                    async for line in stream.aiter_lines():
                        self.told += line == "event: desk"
            except httpx.HTTPError:
                self.scene.again += 1
            await asyncio.sleep(1)

    async def _lists(self) -> tuple[list[int], list[int]]:
        """Who waits, and whoever of one's own wrote last."""
        page = (await _insist_page(self.scene, lambda: self.client.get("/console/desk/lists"))).text
        queues = [LINE.findall(queue) for queue in QUEUE.findall(page)]
        waiting, mine, *_team = queues
        return [int(number) for number, _row in waiting], [int(n) for n, row in mine if "line__new" in row]

    async def _answer(self, conversation: int) -> None:
        given = self.answered.setdefault(conversation, [])
        if len(given) >= WAITING:
            await self._act(conversation, "close", summary="已答复")
            return
        text = f"坐席{self.number}答复{conversation}-{len(given)}"
        if await self._act(conversation, "answer", text=text):
            given.append(text)

    async def _act(self, conversation: int, act: str, **form: str) -> bool:
        """Whether it was acknowledged; a colleague who was first is no fault."""
        url = f"/console/desk/{conversation}/{act}"
        try:
            done = await self.client.post(url, data={"csrf": self.csrf, **form})
            if done.status_code >= 500 and self.scene.broken.is_set():
                done.raise_for_status()
        except httpx.HTTPError:  # Nobody knows whether it was taken; a person looks before he writes it again.
            self.scene.again += 1
            talk = f"/console/desk/{conversation}/talk"
            return form.get("text", "-") in (await _insist_page(self.scene, lambda: self.client.get(talk))).text
        if done.status_code not in (200, 303, TAKEN, 422):
            self.scene.faults.append(f"{act} {conversation}: {done.status_code}")
        return done.status_code in (200, 303)


async def _insist(scene: Scene, call: Callable[[], Awaitable[httpx.Response]], *, refused: int = 0) -> dict[str, Any]:
    """Asks until there is an answer; {} where it is the refusal that counts as one."""
    answer = await _insist_page(scene, call, refused=refused)
    return {} if answer.status_code == refused else dict(answer.json())


async def _insist_page(
    scene: Scene, call: Callable[[], Awaitable[httpx.Response]], *, refused: int = 0
) -> httpx.Response:
    why = ""
    for _ in range(60):
        try:
            answer = await call()
            if answer.status_code in (200, refused):
                return answer
            why = f"{answer.status_code}: {answer.text[:200]}"
        except httpx.HTTPError as failure:
            why = repr(failure)
        scene.again += 1
        await asyncio.sleep(1)
    raise RuntimeError(f"no answer within a minute: {why}")
