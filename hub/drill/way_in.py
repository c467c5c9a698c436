"""The way in: a citizen asks on WeChat, gets the published answer, asks for a person, is answered, and rates."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import httpx

from hub.demo.fill import PASSWORD
from hub.drill.stage import DrillFailed, Stage, must, patiently, until
from hub.drill.way_out import AUTHOR, SIGNERS, ended

QUESTION = "临时通行证怎么办理"
WORDINGS = [
    "管制路段的临时通行证怎么办",
    "办临时通行证要什么材料",
    "车辆临时通行证去哪里办",
    "我想办一张临时通行证",
    "临时通行证能网上办吗",
    "临时通行证办理流程",
    "货车临时通行证怎么申请",
    "管制期间通行证哪里领",
]
ANSWER = "请携带行驶证和驾驶证到临江区滨江大道168号政务服务中心1楼公安窗口办理，当场领取，不收费。"
NOTES = "您好，我是坐席，临时通行证当场可取。"


def publish_answer(stage: Stage) -> str:
    """A question with eight wordings goes the whole way to the portal; the bot learns it by itself."""
    officer = stage.api(AUTHOR)
    words = {"column": "wenda", "title": QUESTION, "body": f"<p>{ANSWER}</p>", "fields": {"wordings": WORDINGS}}
    piece = must(officer.post("/pieces", json=words))
    accounts = must(officer.get(f"/pieces/{piece['id']}/accounts"))["accounts"]
    portal = next(account for account in accounts if account["channel"] == "portal")
    targets = [{"account": portal["id"], "action": portal["action"]}]
    release = must(
        officer.post(f"/pieces/{piece['id']}/submit", json={"version": piece["version"], "targets": targets})
    )
    for login in SIGNERS[: release["proofs"]]:
        must(stage.api(login).post(f"/releases/{release['id']}/proofs"))
    for login in (*SIGNERS[: release["levels"] - 1], SIGNERS[-1]):
        must(stage.api(login).post(f"/releases/{release['id']}/sign", json={"hash": release["hash"]}))
    order = {"pieces": [piece["id"]], "account": portal["id"], "action": "publish"}
    delivery = ended(stage, must(officer.post("/deliveries", json=order))["id"])
    if delivery["state"] != "done":
        raise DrillFailed(f"the question is {delivery['state']}: {delivery['reason']}")
    return f"{release['levels']} levels, piece {piece['id']}"


def ask(stage: Stage) -> str:
    """The answer is the published one, and comes within the five seconds that the platform waits."""
    if not stage.ledger_read:
        return _SKIPPED
    account = _wechat(stage)
    # A citizen whom the bot fails twice is handed to people, so each try is somebody else.
    tries = count(1)

    def look() -> bool | None:
        stage.kept["citizen"] = f"drill_citizen_{next(tries):05d}"
        _say(stage, account, "车辆临时通行证去哪里办")
        return bool(_told(stage, "行驶证和驾驶证")) or None

    until("the bot to know the answer", look, 60)
    return f"answered from the CMS within the push, at try {int(stage.kept['citizen'][-5:])}"


def hand_over(stage: Stage) -> str:
    """人工 brings a waiting conversation to the agent's page."""
    if not stage.ledger_read:
        return _SKIPPED
    _say(stage, _wechat(stage), "人工")
    agent = _console(stage, "wujiayi")
    stage.kept["agent"] = agent

    def look() -> str | None:
        waiting = re.findall(r'href="/console/desk/(\d+)"', agent.get("/console/desk/lists").text)
        return max(waiting, key=int) if waiting else None

    stage.kept["conversation"] = until("the conversation on the agent's page", look, 10)
    return f"conversation {stage.kept['conversation']} waits"


def answer(stage: Stage) -> str:
    """The agent takes it and answers; the citizen reads it as a customer-service message, once."""
    if not stage.ledger_read:
        return _SKIPPED
    agent, number = stage.kept["agent"], stage.kept["conversation"]
    _post(agent, f"/console/desk/{number}/take", {})
    _post(agent, f"/console/desk/{number}/answer", {"text": NOTES})

    def look() -> list[dict[str, Any]] | None:
        return [one for one in stage.ledger(kind="custom_message") if NOTES in str(one["data"])] or None

    arrived = until("the agent's answer on the phone", look, 20)
    if len(arrived) != 1:
        raise DrillFailed(f"the agent's answer arrived {len(arrived)} times")
    return NOTES


def close_and_rate(stage: Stage) -> str:
    """Closing asks for a rating; the citizen gives one."""
    if not stage.ledger_read:
        return _SKIPPED
    agent, number = stage.kept["agent"], stage.kept["conversation"]
    _post(agent, f"/console/desk/{number}/close", {"summary": "咨询临时通行证，已答复。"})
    account = _wechat(stage)
    until("the question for a rating", lambda: _told(stage, "请您评价") or None, 20)
    _say(stage, account, "1")
    until("thanks for the rating", lambda: _told(stage, "谢谢您的评价") or None, 20)
    return "rated 1 (非常满意)"


def figures(stage: Stage) -> str:
    """The manager's figures know of the handoff and of the rating."""
    told = patiently(stage, lambda: _counted(stage))
    return ", ".join(f"{name} {value}" for name, value in sorted(told.items()) if isinstance(value, int))


def _counted(stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = must(stage.api("qianliqun").get("/response", params={"days": 7}))
    if stage.ledger_read and not told["ratings"]:
        raise DrillFailed("the figures know of no rating")
    return told


_SKIPPED = "other stand-ins: nobody writes on their phones"


def _wechat(stage: Stage) -> dict[str, Any]:
    accounts: list[dict[str, Any]] = httpx.get(f"{stage.platforms}/control/accounts", timeout=10).json()["wechat"]
    return accounts[0]


def _say(stage: Stage, account: dict[str, Any], text: str) -> dict[str, Any]:
    push = {"openid": stage.kept["citizen"], "name": "王女士", "kind": "text", "content": text}
    said = httpx.post(f"{stage.platforms}/control/wechat/{account['appid']}/push", json=push, timeout=30)
    told: dict[str, Any] = said.raise_for_status().json()
    return told


def _told(stage: Stage, words: str) -> list[dict[str, Any]]:
    return [one for one in stage.ledger(kind="passive_reply,custom_message") if words in str(one["data"])]


def _console(stage: Stage, login: str) -> httpx.Client:
    client = httpx.Client(base_url=stage.url, follow_redirects=True, timeout=30, headers={"Origin": stage.url})
    stage.clients[f"console {login}"] = client
    form = {"csrf": _csrf(client.get("/console/login").text), "login": login, "password": PASSWORD}
    page = must(client.post("/console/login", data=form))
    if "/console/logout" not in page and "退出" not in page:
        raise DrillFailed(f"{login} cannot log in to the console")
    return client


def _post(client: httpx.Client, path: str, form: dict[str, str]) -> None:
    must(client.post(path, data={**form, "csrf": _csrf(client.get("/console/desk").text)}))


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page) or re.search(r'name="csrf-token" content="([^"]*)"', page)
    return found.group(1) if found else ""
