"""What happens to the notice later: corrected and withdrawn on every channel that showed it, with the proof of each.

The proof is what the platforms' own ledger says where it can be read, and what the product itself recorded elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from hub.drill.stage import DrillFailed, Stage, must, patiently
from hub.drill.way_out import AUTHOR, BY_HAND, LISTINGS, TITLE, ended, signed

BEFORE, AFTER = "本周五22时", "本周六22时"
PHRASE = "该内容因信息有误撤下，更正内容将另行发布。"
# How a person chooses to correct where the channel itself cannot; a second WeChat account shows the other way.
WAYS: Mapping[str, tuple[str, ...]] = {
    "wechat": ("republish", "notice"),
    "weibo": ("republish",),
    "jpush": ("notice",),
    "web_push": ("notice",),
}
LINK = "https://toutiao.example/drill/1"
Proof = Callable[[Stage], str]


def publish_by_hand(stage: Stage) -> str:
    """What a person publishes: the task stands open with its words, and is closed with the link."""
    closed = []
    for account in stage.kept["accounts"]:
        if account["channel"] in BY_HAND:
            closed.append(_by_hand(stage, account, must(_delivery(stage, stage.kept["deliveries"][account["id"]]))))
            if _placement(stage, account)["url"] != LINK:
                raise DrillFailed(f"{account['name']}: shown at {_placement(stage, account)['url']}, not {LINK}")
    return ", ".join(closed) or "no such account"


def sign_anew(stage: Stage) -> str:
    """The officer mends the hour; the new words are proofread and signed like the first."""
    officer, piece = stage.api(AUTHOR), stage.kept["piece"]
    body = stage.kept["body"].replace(BEFORE, AFTER)
    words = {**stage.kept["words"], "summary": f"滨江大道东段{AFTER}起实行临时交通管制。"}
    version = must(officer.get(f"/pieces/{piece}"))["version"]
    must(officer.put(f"/pieces/{piece}", json={**words, "body": body, "version": version}))
    version = must(officer.get(f"/pieces/{piece}"))["version"]
    targets = [{"account": one["id"], "action": one["action"]} for one in stage.kept["accounts"]]
    release = must(officer.post(f"/pieces/{piece}/submit", json={"version": version, "targets": targets}))
    signed(stage, release)
    return f"release {release['id']}: {BEFORE} becomes {AFTER}"


def correct(stage: Stage) -> str:
    """Each account that shows it is corrected in the way a person chose, and proves it."""
    return _everywhere(stage, "correct", CORRECTED)


def withdraw(stage: Stage) -> str:
    """Each account that shows it takes it back as far as its platform can, and says what nobody can take back."""
    return _everywhere(stage, "withdraw", WITHDRAWN)


def gone(stage: Stage) -> str:
    """410 with the public phrase and nothing else; lists, feeds, search and open data have forgotten it."""
    return patiently(stage, lambda: _gone(stage))


def _gone(stage: Stage) -> str:
    public, path = stage.public(), f"/tongzhi/{stage.kept['piece']}.html"
    page = must(public.get(path), 410)
    if PHRASE not in page or TITLE in page:
        raise DrillFailed("the withdrawn page does not show the phrase alone")
    for listing in LISTINGS:
        answer = public.get(listing)
        # A sitemap that would list nothing is taken away: it must have an address in it.
        if not (listing.startswith("/sitemap/") and answer.status_code == 404):
            answer.raise_for_status()
        if path in answer.text:
            raise DrillFailed(f"{listing} still lists the withdrawn piece")
    return f"410 “{PHRASE}”; in none of {len(LISTINGS)} lists, feeds, open data and search"


# --- one account after the other ------------------------------------------------------------------------------


def _everywhere(stage: Stage, action: str, proofs: Mapping[str, Proof]) -> str:
    booked, lines = {}, []
    ways = {channel: list(chosen) for channel, chosen in WAYS.items()}
    for account in stage.kept["accounts"]:
        order = {"pieces": [stage.kept["piece"]], "account": account["id"], "action": action, "again": True}
        if action == "withdraw":
            order["phrase"] = PHRASE
        elif account["channel"] in ways:
            chosen = ways[account["channel"]]
            order["correction"] = chosen.pop(0) if len(chosen) > 1 else chosen[0]
        booked[account["id"]] = must(stage.api(AUTHOR).post("/deliveries", json=order))["id"]
    for account in stage.kept["accounts"]:
        said = _outcome(stage, account, ended(stage, booked[account["id"]]), action)
        lines.append(f"{account['channel']:9} {account['name']}: {said}")
    if stage.ledger_read:
        channels = dict.fromkeys(account["channel"] for account in stage.kept["accounts"])
        lines += [f"{channel:9} proof: {proofs[channel](stage)}" for channel in channels if channel in proofs]
    return "".join(f"\n{'':11}{line}" for line in lines)


def _outcome(stage: Stage, account: dict[str, Any], delivery: dict[str, Any], action: str) -> str:
    """已更正, 已撤稿, 人工…, or why nobody can; anything else fails the drill."""
    if delivery["state"] == "manual":
        return _by_hand(stage, account, delivery)
    if delivery["state"] == "failed" and _placement(stage, account)["correction"] == "impossible":
        return f"cannot: {delivery['reason']}"
    if delivery["state"] != "done":
        raise DrillFailed(f"{account['name']}: {delivery['state']} {delivery['reason']}")
    state = _placement(stage, account)
    wanted = state["state"] == "withdrawn" if action == "withdraw" else state["correction"] == "corrected"
    if not wanted:
        raise DrillFailed(f"{account['name']}: recorded as {state['state']} {state['correction']}")
    word = "withdrawn" if action == "withdraw" else "corrected"
    return f"{word}. {delivery['remark']}" if delivery["remark"] else word


def _by_hand(stage: Stage, account: dict[str, Any], delivery: dict[str, Any]) -> str:
    if delivery["state"] != "manual":
        raise DrillFailed(f"{account['name']}: no task for a person, but {delivery['state']}")
    must(stage.api(AUTHOR).post(f"/deliveries/{delivery['id']}/close", json={"url": ""}), 422)
    must(stage.api(AUTHOR).post(f"/deliveries/{delivery['id']}/close", json={"url": LINK}))
    closed = must(_delivery(stage, delivery["id"]))
    if closed["state"] != "done":
        raise DrillFailed(f"{account['name']}: the task is {closed['state']} after it was closed")
    return f"task opened (“{delivery['reason']}”) and closed with {LINK}"


def _delivery(stage: Stage, number: int) -> Any:
    return stage.api(AUTHOR).get(f"/deliveries/{number}")


def _placement(stage: Stage, account: dict[str, Any]) -> dict[str, Any]:
    found = must(stage.api(AUTHOR).get(f"/pieces/{stage.kept['piece']}/placements"))["placements"]
    row: dict[str, Any] = next(one for one in found if one["account"] == account["id"])
    return row


# --- what the platforms say -----------------------------------------------------------------------------------


def _last(stage: Stage, kind: str, **wanted: str) -> dict[str, Any]:
    lines = stage.ledger(kind=kind, **wanted)
    if not lines:
        raise DrillFailed(f"the platforms' ledger holds no {kind}")
    data: dict[str, Any] = lines[-1]["data"]
    return data


def _holds(what: str, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if AFTER not in text or BEFORE in text:
        raise DrillFailed(f"{what} does not say {AFTER} alone")


def _portal_corrected(stage: Stage) -> str:
    path = f"/tongzhi/{stage.kept['piece']}.html"
    patiently(stage, lambda: _holds("the page", must(stage.public().get(path))))
    return f"{path} says {AFTER}"


def _wechat_corrected(stage: Stage) -> str:
    articles = [
        one for line in stage.ledger(kind="publish") for one in line["data"]["articles"] if one["title"] == TITLE
    ]
    for article in articles:
        _holds("the article", article["content"])
    deleted = _last(stage, "mass_deleted")
    stand = [path for path, taken in _articles(stage).items() if not taken]
    return f"message {deleted['msg_id']} deleted; new articles {len(articles)}, standing {len(stand)}"


def _weibo_corrected(stage: Stage) -> str:
    deleted, post = _last(stage, "post_deleted"), _last(stage, "post")
    _holds("the post", post["text"])
    return f"post {deleted['id']} destroyed, post {post['id']} shown"


def _jpush_corrected(stage: Stage) -> str:
    push = _last(stage, "push")
    _holds("the push", push["shown"])
    if not push["replaces"]:
        raise DrillFailed("the corrected push replaces nothing")
    return f"push {push['msg_id']} replaces {push['replaces']}"


def _web_push_corrected(stage: Stage) -> str:
    first, *_, last = [line["data"] for line in stage.ledger(kind="notification")]
    _holds("the notice", last["json"])
    return _same_place(first, last)


def _same_place(first: dict[str, Any], last: dict[str, Any]) -> str:
    if first["topic"] != last["topic"] or first["json"]["tag"] != last["json"]["tag"] or first == last:
        raise DrillFailed("the later notice does not take the place of the first")
    return f"“{last['json']['title']}” takes the place of the first notice (topic {last['topic'][:8]}…)"


def _wechat_withdrawn(stage: Stage) -> str:
    left = [path for path, deleted in _articles(stage).items() if not deleted]
    if left:
        raise DrillFailed(f"WeChat still shows {left}")
    kinds = ("publish_deleted", "mass_deleted")
    return ", ".join(f"{kind} {len(stage.ledger(kind=kind))}" for kind in kinds)


def _articles(stage: Stage) -> dict[str, bool]:
    """The notice's articles on all accounts, and whether each was deleted."""
    deleted = {
        path
        for kind in ("publish_deleted", "mass_deleted")
        for line in stage.ledger(kind=kind)
        for path in line["data"]["paths"]
    }
    shown = [
        one for kind in ("publish", "mass_send") for line in stage.ledger(kind=kind) for one in line["data"]["articles"]
    ]
    return {one["path"]: one["path"] in deleted for one in shown if one["title"] == TITLE}


def _weibo_withdrawn(stage: Stage) -> str:
    shown = {line["data"]["id"] for line in stage.ledger(kind="post")}
    deleted = {line["data"]["id"] for line in stage.ledger(kind="post_deleted")}
    if shown - deleted:
        raise DrillFailed(f"Weibo still shows {shown - deleted}")
    return f"{len(deleted)} posts destroyed, none left"


def _jpush_withdrawn(stage: Stage) -> str:
    revoked = [line["data"]["msg_id"] for line in stage.ledger(kind="push_revoked")]
    pushed = [line["data"]["msg_id"] for line in stage.ledger(kind="push")]
    if set(revoked) != set(pushed):
        raise DrillFailed(f"pushed {pushed}, revoked {revoked}")
    return f"DELETE v3/push/{{{', '.join(revoked)}}}"


def _web_push_withdrawn(stage: Stage) -> str:
    first, *_, last = [line["data"] for line in stage.ledger(kind="notification")]
    if TITLE in json.dumps(last["json"], ensure_ascii=False) or PHRASE not in last["json"]["body"]:
        raise DrillFailed("the notice of the withdrawal repeats what was withdrawn, or lacks the phrase")
    return _same_place(first, last)


def _site_corrected(stage: Stage) -> str:
    changed = _last(stage, "changed")
    _holds("the article", changed["fields"]["content"])
    return f"article {changed['id']} changed in place"


def _folder(stage: Stage) -> tuple[str, list[str]]:
    (site,) = must(httpx.get(f"{stage.platforms}/control/accounts", timeout=10))["sftp"]
    return str(site["user"]), list(site["files"])


def _folder_corrected(stage: Stage) -> str:
    user, files = _folder(stage)
    (page,) = [path for path in files if path.endswith(".html")]
    _holds("the file", must(httpx.get(f"{stage.platforms}/sftp/{user}/files{page}", timeout=10)))
    return f"{page} overwritten, {len(files)} files stand"


def _site_withdrawn(stage: Stage) -> str:
    return f"article {_last(stage, 'taken_back')['id']} taken back"


def _folder_withdrawn(stage: Stage) -> str:
    _user, files = _folder(stage)
    if files:
        raise DrillFailed(f"the folder still holds {files}")
    return f"{len(stage.ledger(kind='file_gone'))} files deleted, none left"


CORRECTED: Mapping[str, Proof] = {
    "portal": _portal_corrected,
    "wechat": _wechat_corrected,
    "weibo": _weibo_corrected,
    "jpush": _jpush_corrected,
    "web_push": _web_push_corrected,
    "site_push": _site_corrected,
    "site_sftp": _folder_corrected,
}
WITHDRAWN: Mapping[str, Proof] = {
    "wechat": _wechat_withdrawn,
    "weibo": _weibo_withdrawn,
    "jpush": _jpush_withdrawn,
    "web_push": _web_push_withdrawn,
    "site_push": _site_withdrawn,
    "site_sftp": _folder_withdrawn,
}
