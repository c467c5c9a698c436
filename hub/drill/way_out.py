"""The way out: a notice is written, refused, mended, signed by three people, booked, and arrives once everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from hub.demo.drawing import landscape
from hub.drill.stage import DrillFailed, Stage, must, patiently, until

AUTHOR, SIGNERS = "linxiaowen", ("sumin", "chenguodong", "zhaomingyuan")
TITLE = "关于临江区部分道路临时交通管制的通告"
BODY = (
    "<p>因滨江大道道路养护，{when}起临江区滨江大道东段实行临时交通管制，请过往车辆绕行。</p>"
    "<p>咨询电话：0968-8061000。</p>"
)
# Where a reader, a search engine or a machine finds the notice.
LISTINGS = (
    "/", "/tongzhi/", "/rss.xml", "/atom.xml", "/sitemap/tongzhi-1.xml", "/data/tongzhi-1.csv", "/data/tongzhi-1.json",
    f"/search?{urlencode({'q': TITLE})}",
)  # fmt: skip
# What a person publishes: its delivery ends as a task.
BY_HAND = ("manual", "site_manual")
OVER = ("done", "failed", "manual", "cancelled", "held")
# A dead worker's claim runs out after 45 s and is found within a minute; then the platform is asked what it has got,
# and asked again 45 s later before what is not there is sent once more.
ENDS_WITHIN = 150.0


def write(stage: Stage) -> str:
    """An officer writes a notice with a picture."""
    officer = stage.api(AUTHOR)
    words = {"title": TITLE, "summary": "滨江大道东段临时交通管制。", "editor": "林晓雯"}
    piece = must(officer.post("/pieces", json={"column": "tongzhi", **words, "body": BODY.format(when="本周五22时")}))
    files = {"file": ("示意图.jpg", landscape(7), "image/jpeg")}
    picture = must(officer.post(f"/pieces/{piece['id']}/pictures", files=files, data={"alt": "管制路段示意图"}))
    body = f'{BODY.format(when="本周五22时")}<p><img src="{picture["src"]}" alt="管制路段示意图"></p>'
    stage.kept.update(piece=piece["id"], words={**words, "cover_id": picture["id"]}, body=body, src=picture["src"])
    _save(stage, body)
    return f"piece {piece['id']} with a picture"


def refuse(stage: Stage) -> str:
    """A mobile number in the text blocks the submission, by name, and nothing is lost."""
    _save(stage, stage.kept["body"].replace("0968-8061000", "13912345678"))
    answer = _submit(stage)
    said = must(answer, 422)
    if "139****5678" not in said["message"]:
        raise DrillFailed(f"the refusal does not name what blocks: {said}")
    _save(stage, stage.kept["body"])
    return str(said["message"])


def submit(stage: Stage) -> str:
    """The mended text is submitted to every account that takes text by itself."""
    release = must(_submit(stage))
    stage.kept.update(release=release["id"], hash=release["hash"])
    return f"release {release['id']}, {release['levels']} levels, {release['proofs']} proof passes"


def sign(stage: Stage) -> str:
    """The author is refused; then three people proofread and sign, each over the same hash."""
    release, seen = stage.kept["release"], {"hash": stage.kept["hash"], "opinion": "同意"}
    must(stage.api(AUTHOR).post(f"/releases/{release}/sign", json=seen), 403)
    must(stage.api("gaoxiang").post(f"/releases/{release}/sign", json=seen), 403, 404)
    signed(stage, {"id": release, "hash": stage.kept["hash"]}, tampered=True)
    return "signed by " + ", ".join(SIGNERS)


def signed(stage: Stage, release: dict[str, Any], *, tampered: bool = False) -> None:
    """Proofread and signed by the three; with `tampered`, another hash is tried first and refused."""
    number, seen = release["id"], {"hash": release["hash"], "opinion": "同意"}
    for login in SIGNERS:
        must(stage.api(login).post(f"/releases/{number}/proofs"))
    if tampered:
        must(stage.api(SIGNERS[0]).post(f"/releases/{number}/sign", json={"hash": "0" * 64}), 409)
    for login in SIGNERS:
        last = must(stage.api(login).post(f"/releases/{number}/sign", json=seen))
    if last["state"] != "signed":
        raise DrillFailed(f"after three signatures the release is {last['state']}")


def follow(stage: Stage) -> str:
    """A citizen's browser asks to be told; the rehearsal's push service stands behind it."""
    if not stage.ledger_read:
        return "other stand-ins: push endpoints come with their own subscribers"
    offered = patiently(stage, lambda: must(stage.public().get("/push/key")))
    wish = {"name": "王女士的浏览器", "application_server_key": offered["key"]}
    made = must(httpx.post(f"{stage.platforms}/control/accounts/webpush", json=wish, timeout=10))
    wanted = {"endpoint": made["endpoint"], "keys": made["keys"], "consent": offered["consent"]}
    must(stage.public().post("/push/subscriptions", json=wanted))
    # Notices are sent from inside, which must know of the browser also where it asked on a host without our database.
    known, door = {"endpoint": made["endpoint"]}, stage.url if stage.patience else stage.site
    patiently(stage, lambda: must(httpx.post(f"{door}/push/known", json=known, timeout=10)))
    return "one browser subscribed"


def book(stage: Stage) -> str:
    """Every account gets its delivery, for now."""
    booked = {}
    for account in stage.kept["accounts"]:
        order = {"pieces": [stage.kept["piece"]], "account": account["id"], "action": account["action"]}
        booked[account["id"]] = must(stage.api(AUTHOR).post("/deliveries", json=order))["id"]
    stage.kept["deliveries"] = booked
    return f"{len(booked)} deliveries"


def arrive(stage: Stage) -> str:
    """Each delivery comes to an end that is right for its channel."""
    ends = []
    for account in stage.kept["accounts"]:
        delivery = ended(stage, stage.kept["deliveries"][account["id"]])
        wanted = "manual" if account["channel"] in BY_HAND else "done"
        if delivery["state"] != wanted:
            raise DrillFailed(f"{account['name']}: {delivery['state']} {delivery['reason']}")
        ends.append(f"{account['channel']} {delivery['state']}")
    return ", ".join(ends)


def read(stage: Stage) -> str:
    """A citizen reads it on the portal, with its picture; a search engine finds it in the feed."""
    return patiently(stage, lambda: _read(stage))


def _read(stage: Stage) -> str:
    public = stage.public()
    path = f"/tongzhi/{stage.kept['piece']}.html"
    page = must(public.get(path))
    if TITLE not in page or stage.kept["src"] not in page:
        raise DrillFailed(f"{path} does not show the title and the picture")
    must(public.get(stage.kept["src"]))
    for listing in LISTINGS:
        if path not in public.get(listing).raise_for_status().text:
            raise DrillFailed(f"{listing} does not list {path}")
    return path


def once(stage: Stage) -> str:
    """The platforms' own ledger: it arrived on each account exactly once."""
    if not stage.ledger_read:
        return "other stand-ins: their ledger is not read"
    counted = {name: _arrived(stage, kinds) for name, kinds in ARRIVALS.items() if _expects(stage, name)}
    wrong = {name: number for name, number in counted.items() if number != 1 * _accounts(stage, name)}
    if wrong:
        raise DrillFailed(f"arrivals are not one per account: {wrong}")
    return ", ".join(f"{name} {number}" for name, number in counted.items())


# platform in the ledger -> the kinds of lines that mean a citizen was reached
ARRIVALS: Mapping[str, str] = {
    "wechat": "mass_send,published",
    "weibo": "post",
    "jpush": "push",
    "web_push": "notification",
    "site_push": "article",
    "site_sftp": "file",
}
# What the platform acts on, where a piece is several files.
INDEX = ".xml"


def _save(stage: Stage, body: str) -> None:
    officer, piece = stage.api(AUTHOR), stage.kept["piece"]
    version = must(officer.get(f"/pieces/{piece}"))["version"]
    must(officer.put(f"/pieces/{piece}", json={**stage.kept["words"], "body": body, "version": version}))


def _submit(stage: Stage) -> Any:
    officer, piece = stage.api(AUTHOR), stage.kept["piece"]
    offered = must(officer.get(f"/pieces/{piece}/accounts"))["accounts"]
    stage.kept["accounts"] = offered
    version = must(officer.get(f"/pieces/{piece}"))["version"]
    targets = [{"account": account["id"], "action": account["action"]} for account in offered]
    return officer.post(f"/pieces/{piece}/submit", json={"version": version, "targets": targets})


def ended(stage: Stage, delivery: int) -> dict[str, Any]:
    """The delivery once it has come to an end of any kind."""

    def look() -> dict[str, Any] | None:
        row: dict[str, Any] = must(stage.api(AUTHOR).get(f"/deliveries/{delivery}"))
        return row if row["state"] in OVER else None

    return until(f"delivery {delivery}", look, ENDS_WITHIN)


def _arrived(stage: Stage, platform_kinds: str) -> int:
    lines = [line["data"] for line in stage.ledger(kind=platform_kinds)]
    return sum(1 for data in lines if str(data.get("path", INDEX)).endswith(INDEX))


def _expects(stage: Stage, platform: str) -> bool:
    return _accounts(stage, platform) > 0


def _accounts(stage: Stage, platform: str) -> int:
    return sum(1 for account in stage.kept["accounts"] if account["channel"] == platform)
