"""The API of the administrators' desks: the same permissions, the same two pairs of eyes, the field named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts.models import Account
from content.models import LinkCheck, LinkPlace
from hub.auth import tokens
from hub.notices import Notice
from kernel import audit
from kernel.audit import AuditLine
from kernel.people import Person, Role
from scheduler.models import Freeze
from tests.house.editorial_objects import portal, write
from tests.house.outgoing_objects import an_emergency, fake_account
from tests.hub.office import Office

Call = Callable[..., Any]


@pytest.fixture
def call(office: Office) -> Callable[[str], Call]:
    """Asks the API as somebody's program."""

    def of(login: str) -> Call:
        with office.hub.works.write() as work:
            _token, text = tokens.create(work, office.person(login), "probe")
        browser, head = office.browser(), {"Authorization": f"Bearer {text}"}

        def ask(method: str, path: str, **sent: Any) -> Any:
            return browser.request(method, f"/api/v1{path}", headers=head, json=sent or None)

        return ask

    return of


def refusal(answer: Any) -> tuple[int, str]:
    """The status of a refusal and the field it names."""
    return answer.status_code, answer.json()["field"]


def test_columns_words_and_rules_are_kept(office: Office, call: Callable[[str], Call]) -> None:
    north, south = office.unit("north").id, office.unit("south").id
    office.hire("keeper", "north", Role.SYSTEM_ADMIN)
    office.hire("reviewer", "north", Role.REVIEWER)
    keeper, reviewer = call("keeper"), call("reviewer")
    column = {"name": "公告", "slug": "notices", "kind": "notice", "unit": north, "freshness_days": 14}
    made = keeper("POST", "/columns", **column)
    assert made.status_code == 201, made.text
    assert refusal(keeper("POST", "/columns", **column)) == (422, "slug")
    assert refusal(keeper("POST", "/columns", **{**column, "slug": "other", "unit": south})) == (422, "unit")
    assert refusal(keeper("POST", "/columns", **{**column, "slug": "other", "kind": "poem"})) == (422, "kind")
    changed = keeper("PUT", f"/columns/{made.json()['id']}", name="通知公告").json()
    assert (changed["name"], changed["freshness_days"], changed["active"]) == ("通知公告", 14, True)
    assert keeper("PUT", f"/columns/{made.json()['id']}", freshness_days=None).json()["freshness_days"] is None
    assert [one["slug"] for one in keeper("GET", "/columns").json()["columns"]] == ["notices"]

    word = {"unit": north, "word": "供暖", "level": "block", "instead": "供热"}
    kept = reviewer("POST", "/words", **word).json()
    assert reviewer("POST", "/words", **{**word, "level": "warn"}).json()["id"] == kept["id"]
    assert refusal(reviewer("POST", "/words", **{**word, "word": " "})) == (422, "word")
    assert refusal(reviewer("POST", "/words", **{**word, "unit": south})) == (422, "unit")
    assert refusal(reviewer("POST", "/words", **{**word, "level": "stop"})) == (422, "level")
    assert [one["level"] for one in reviewer("GET", "/words").json()["words"]] == ["warn"]
    assert reviewer("DELETE", f"/words/{kept['id']}").json() == {"done": True}
    assert reviewer("GET", "/words").json()["total"] == 0


def test_a_rule_is_set_for_a_unit_within_its_bounds(office: Office, call: Callable[[str], Call]) -> None:
    office.hire("keeper", "north", Role.SYSTEM_ADMIN)
    keeper, north = call("keeper"), office.unit("north").id
    listed = {one["name"]: one for one in keeper("GET", f"/rules?unit={north}").json()["rules"]}
    name, rule = next((name, one) for name, one in listed.items() if isinstance(one["value"], bool))
    told = keeper("PUT", f"/rules/{name}", unit=north, value=not rule["value"]).json()
    assert told["value"] is not rule["value"]
    assert keeper("GET", f"/rules/{name}?unit={north}").json()["value"] is told["value"]
    assert refusal(keeper("PUT", f"/rules/{name}", unit=north, value="ja")) == (422, "value")
    assert keeper("PUT", f"/rules/{name}", unit=office.unit("south").id, value=True).status_code == 404
    assert keeper("PUT", "/rules/none.such", unit=north, value=True).status_code == 404


def test_units_and_people_are_taken_in_and_roles_given_by_another(office: Office, call: Callable[[str], Call]) -> None:
    root = office.unit("root").id
    office.hire("keeper", "root", Role.SYSTEM_ADMIN, below=True)
    office.hire("security", "root", Role.SECURITY_ADMIN, below=True)
    keeper, security = call("keeper"), call("security")
    unit = keeper("POST", "/units", name="河东科", code="east", parent=root).json()
    assert refusal(keeper("POST", "/units", name="河东科", code="east", parent=root)) == (422, "code")
    assert keeper("PUT", f"/units/{unit['id']}", name="河东办").json()["name"] == "河东办"
    new = {"login": "liu", "name": "刘一", "unit": unit["id"], "phone": "13900000000"}
    person = keeper("POST", "/people", **new).json()
    assert "/console/password/" in person["password_link"]
    assert refusal(keeper("POST", "/people", **new)) == (422, "login")
    assert refusal(keeper("POST", "/people", **{**new, "login": "li", "unit": 999})) == (404, "unit")
    grant = {"person": person["id"], "role": "officer", "unit": unit["id"]}
    assert keeper("POST", "/grants", **grant).status_code == 403
    given = security("POST", "/grants", **grant).json()
    assert refusal(security("POST", "/grants", **{**grant, "role": "king"})) == (422, "role")
    own = security("POST", "/grants", **{**grant, "person": office.person("security").id})
    assert own.json()["error"] == "NotToGrant"
    assert [one["role"] for one in keeper("GET", f"/people/{person['id']}").json()["grants"]] == ["officer"]
    assert security("DELETE", f"/grants/{given['id']}").json() == {"done": True}
    changed = keeper("PUT", f"/people/{person['id']}", name="刘二").json()
    assert (changed["name"], changed["phone"]) == ("刘二", "13900000000")
    assert keeper("POST", f"/people/{person['id']}/deactivate").json()["active"] is False
    assert keeper("POST", f"/people/{person['id']}/activate").json()["active"] is True
    assert keeper("POST", f"/people/{office.person('keeper').id}/deactivate").status_code == 403


def test_the_contact_of_who_signs_needs_a_second_administrator_here_too(
    office: Office, call: Callable[[str], Call]
) -> None:
    office.hire("keeper", "root", Role.SYSTEM_ADMIN, below=True)
    office.hire("security", "root", Role.SECURITY_ADMIN, below=True)
    signer = office.hire("signer", "north", Role.SIGNER)
    refused = call("keeper")("PUT", f"/people/{signer.id}", phone="13911112222")
    assert (refused.json()["error"], refused.json()["field"]) == ("SecondNeeded", "phone")
    with office.hub.works.read() as work:
        assert work.session.get_one(Person, signer.id).phone != "13911112222"
        asked = work.session.scalars(select(Notice).where(Notice.person_id == office.person("security").id)).all()
    assert [one.kind for one in asked] == ["permit"]
    office.desk_of("security").send_form(f"/console/people/{signer.id}/agree", deed="permit.contact")
    assert call("keeper")("PUT", f"/people/{signer.id}", phone="13911112222").json()["phone"] == "13911112222"


def test_a_token_is_taken_away_and_opens_nothing_more(office: Office, call: Callable[[str], Call]) -> None:
    office.hire("security", "root", Role.SECURITY_ADMIN, below=True)
    office.hire("officer", "north", Role.OFFICER)
    officer, security = call("officer"), call("security")
    listed = security("GET", "/tokens").json()["tokens"]
    (token,) = [one for one in listed if one["person"] == office.person("officer").id]
    assert officer("GET", "/pieces").status_code == 200
    assert security("DELETE", f"/tokens/{token['id']}").json()["revoked_at"]
    assert officer("GET", "/pieces").status_code == 401


def test_everything_or_one_account_is_stopped_and_let_go(office: Office, call: Callable[[str], Call]) -> None:
    north = office.unit("north").id
    office.hire("officer", "north", Role.OFFICER)
    officer = call("officer")
    with office.hub.works.write() as work:
        account = fake_account(work, office.unit("north")).id
        foreign = fake_account(work, office.unit("south")).id
    assert refusal(officer("POST", "/freezes", reason="演习")) == (422, "unit")
    assert refusal(officer("POST", "/freezes", unit=north, reason=" ")) == (422, "reason")
    assert refusal(officer("POST", "/freezes", account=foreign, reason="演习")) == (404, "account")
    stop = officer("POST", "/freezes", account=account, reason="演习").json()
    assert (stop["account"], stop["holds"]) == (account, [])
    assert [one["id"] for one in officer("GET", "/freezes").json()["freezes"]] == [stop["id"]]
    wrong = officer("POST", f"/freezes/{stop['id']}/end", choices={"999": "now"})
    assert refusal(wrong) == (422, "choices.999")
    ended = officer("POST", f"/freezes/{stop['id']}/end", choices={}).json()
    assert ended["ended_at"]
    assert ended["let_go"] == 0
    with office.hub.works.read() as work:
        assert work.session.get_one(Freeze, stop["id"]).ended_at is not None


def test_an_emergency_is_declared_once_and_its_banner_taken_down(office: Office, call: Callable[[str], Call]) -> None:
    north = office.unit("north")
    office.hire("officer", "north", Role.OFFICER)
    officer = call("officer")
    with office.hub.works.write() as work:
        _author, piece = write(work, north)
        column, account = piece.column_id, portal(work, north).id
        standing = an_emergency(work, north).params["emergency_id"]
    sent = {"title": "停水通知", "text": "8 时起停水。", "column": column, "level": "II", "accounts": [account]}
    assert refusal(officer("POST", "/emergencies", **sent, key="1")) == (422, "key")
    assert refusal(officer("POST", "/emergencies", **{**sent, "column": 999}, key="a" * 32)) == (422, "column")
    first = officer("POST", "/emergencies", **sent, key="b" * 32)
    assert first.status_code == 201, first.text
    assert first.json()["state"] == "review"
    assert officer("POST", "/emergencies", **sent, key="b" * 32).json()["id"] == first.json()["id"]
    assert officer("GET", "/emergencies").json()["total"] == 2
    assert officer("POST", f"/emergencies/{standing}/end-banner").json()["banner"] is False


def test_an_account_is_switched_off_and_on(office: Office, call: Callable[[str], Call]) -> None:
    office.hire("keeper", "north", Role.SYSTEM_ADMIN)
    keeper = call("keeper")
    with office.hub.works.write() as work:
        account = fake_account(work, office.unit("north")).id
    assert keeper("POST", f"/accounts/{account}/test").json() == {"asked": True, "good": True, "fault": ""}
    off = keeper("POST", f"/accounts/{account}/switch-off").json()
    assert (off["active"], off["held"]) == (False, 0)
    assert keeper("POST", f"/accounts/{account}/switch-on").json()["active"] is True
    with office.hub.works.write() as work:
        row = work.session.get_one(Account, account)
        row.closed_on, row.active = work.now.date(), False
    assert keeper("POST", f"/accounts/{account}/switch-on").status_code == 422


def test_the_auditor_reads_filters_and_verifies(office: Office, call: Callable[[str], Call]) -> None:
    office.hire("auditor", "root", Role.AUDITOR, below=True)
    auditor = call("auditor")
    lines = auditor("GET", "/audit?act=token.created").json()
    assert lines["total"] >= 1
    assert {one["act"] for one in lines["lines"]} == {"token.created"}
    assert auditor("GET", "/audit?since=2031-01-01T00:00:00Z").json()["total"] == 0
    good = auditor("POST", "/audit/verify").json()
    assert (good["whole"], good["fault"], len(good["head"]) > 10) == (True, None, True)
    with office.hub.works.read() as work:
        assert audit.verify(work.session).lines == good["lines"] + 1
        assert work.session.scalars(select(AuditLine.act).order_by(AuditLine.seq.desc())).first() == "audit.verified"


def test_notices_are_ones_own(office: Office, call: Callable[[str], Call]) -> None:
    wang, _li = office.hire("wang", "north"), office.hire("li", "north")
    with office.hub.works.write() as work:
        office.hub.notifier.tell(work, [wang.id], "probe", "停水", "", "/console", "probe:1")
    (told,) = call("wang")("GET", "/notices?unread=true").json()["notices"]
    assert call("li")("GET", "/notices").json()["total"] == 0
    assert call("wang")("POST", f"/notices/{told['id']}/read").json()["read_at"]
    assert call("wang")("POST", "/notices/read").json() == {"done": True}
    assert call("wang")("GET", "/notices?unread=true").json()["total"] == 0


def test_dead_links_are_those_of_ones_own_pages(office: Office, call: Callable[[str], Call]) -> None:
    for unit in ("north", "south"):
        office.hire(f"officer-{unit}", unit, Role.OFFICER)
    with office.hub.works.write() as work:
        _author, piece = write(work, office.unit("north"))
        address, digest = "https://127.0.0.1:9/gone", "d" * 64
        work.session.add(LinkCheck(digest=digest, address=address, state="dead", reason="404", at=work.now))
        work.session.add(LinkPlace(piece_id=piece.id, digest=digest, unit_id=piece.unit_id, address=address))
    (found,) = call("officer-north")("GET", "/links").json()["links"]
    assert (found["address"], found["pieces"]) == (address, [piece.id])
    assert call("officer-south")("GET", "/links").json()["total"] == 0
    assert call("officer-south")("POST", f"/links/{digest}/ask").status_code == 404
    assert call("officer-north")("POST", f"/links/{digest}/ask").json()["state"] != "alive"


def test_the_portal_turns_grey_for_a_period_with_its_ground(office: Office, call: Callable[[str], Call]) -> None:
    office.hire("keeper", "root", Role.SYSTEM_ADMIN, below=True)
    keeper = call("keeper")
    with office.hub.works.write() as work:
        portal(work, office.unit("north"))
        now = work.now
    times = {"begins": now.isoformat(), "ends": (now + timedelta(days=1)).isoformat()}
    assert refusal(keeper("PUT", "/site-state", **times)) == (422, "reason")
    backwards = keeper("PUT", "/site-state", begins=times["ends"], ends=times["begins"], reason="公祭日")
    assert refusal(backwards) == (422, "ends")
    assert keeper("PUT", "/site-state", **times, reason="公祭日").json()["grey"] is True
    assert keeper("PUT", "/site-state", reason="").json()["grey"] is False
    assert keeper("GET", "/site-state").json()["begins"] is None
