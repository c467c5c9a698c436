"""Links that work once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.auth import links
from hub.auth.errors import LinkRefused, WrongCode
from hub.auth.links import NewLink
from hub.auth.models import OneTimeLink
from kernel.model import Base
from tests.hub.auth.conftest import Entrance

PURPOSE = "piece.sign"


def issue(
    entrance: Entrance, *, with_code: bool = False, purpose: str = PURPOSE, target: Base | None = None
) -> NewLink:
    with entrance.works.write() as work:
        return links.issue(work, purpose, entrance.person.id, timedelta(hours=1), target=target, with_code=with_code)


def use(entrance: Entrance, token: str, code: str = "", purpose: str = PURPOSE) -> object:
    with entrance.works.write() as work:
        return links.use(work, token, purpose, code)


def test_a_link_works_once(entrance: Entrance) -> None:
    new = issue(entrance, target=entrance.unit)
    used = use(entrance, new.token)
    assert isinstance(used, OneTimeLink)
    assert (used.person_id, used.object_kind, used.object_id) == (entrance.person.id, "unit", entrance.unit.id)
    assert isinstance(use(entrance, new.token), LinkRefused)
    assert entrance.acts() == ["link.issued", "link.used"]


def test_looking_does_not_use_it_up(entrance: Entrance) -> None:
    new = issue(entrance)
    for _ in range(3):
        with entrance.works.read() as work:
            assert links.find(work.session, new.token, PURPOSE, work.now).id == new.link.id
    assert isinstance(use(entrance, new.token), OneTimeLink)
    with entrance.works.read() as work, pytest.raises(LinkRefused):
        links.find(work.session, new.token, PURPOSE, work.now)


def test_it_expires(entrance: Entrance) -> None:
    new = issue(entrance)
    entrance.clock.step(hours=1)
    assert isinstance(use(entrance, new.token), LinkRefused)


def test_it_serves_only_its_purpose(entrance: Entrance) -> None:
    new = issue(entrance, purpose="password.reset")
    assert isinstance(use(entrance, new.token), LinkRefused)
    assert isinstance(use(entrance, new.token, purpose="password.reset"), OneTimeLink)


def test_a_newer_link_to_the_same_end_replaces_it_and_no_other(entrance: Entrance) -> None:
    old, other = issue(entrance, target=entrance.unit), issue(entrance)
    new = issue(entrance, target=entrance.unit)
    assert isinstance(use(entrance, old.token), LinkRefused)
    assert isinstance(use(entrance, other.token), OneTimeLink)
    assert isinstance(use(entrance, new.token), OneTimeLink)


def test_the_code_is_needed_and_counted(entrance: Entrance) -> None:
    new = issue(entrance, with_code=True)
    assert len(new.code) == 6
    wrong = "000000" if new.code != "000000" else "111111"
    for left in (4, 3):
        answer = use(entrance, new.token, wrong)
        assert isinstance(answer, WrongCode)
        assert answer.details["left"] == left
    assert isinstance(use(entrance, new.token, f" {new.code} "), OneTimeLink)


def test_too_many_wrong_codes_end_it(entrance: Entrance) -> None:
    new = issue(entrance, with_code=True)
    wrong = "000000" if new.code != "000000" else "111111"
    answers = [use(entrance, new.token, wrong) for _ in range(6)]
    assert [type(answer) for answer in answers] == [WrongCode] * 4 + [LinkRefused] * 2
    assert isinstance(use(entrance, new.token, new.code), LinkRefused)


def test_neither_token_nor_code_is_stored_or_logged(entrance: Entrance) -> None:
    new = issue(entrance, with_code=True)
    with entrance.works.read() as work:
        row = work.session.scalars(select(OneTimeLink)).one()
    kept = f"{row.token_hash} {row.code_hash} {entrance.log_text()}"
    assert new.token not in kept
    assert new.code not in (row.code_hash, row.token_hash)
    assert f'"{new.code}"' not in kept
