"""The demo's past at the desk: it refers to what exists, and lives through the product's own doors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from analytics import public_ratings
from bot import expecting
from bot.models import Conversation, PublicAnswer, Rating, Ticket
from bot.states import LOW_RATING, RATINGS, SET_RIGHT, ConversationState, TicketState
from content.compose import Draft
from hub import schema
from hub.db import open_database
from hub.demo import fill
from hub.demo.corpus import Talk, load_guides, load_matters, load_office, load_talks
from hub.demo.fill import Filling
from hub.demo.reception import CENTRE, CLASSES, furnish
from hub.settings import Settings

TALKS, MATTERS = load_talks(), load_matters()


def test_what_is_written_down_exists() -> None:
    agents = {person.login for person in load_office().people if "agent" in person.roles}
    filed = {f"{top} / {one}" for top, below in CLASSES.items() for one in below}
    attended = [talk.person for talk in TALKS if talk.person is not None]
    assert len(attended) >= 8
    assert {person.agent for person in attended} <= agents
    assert {person.filed for person in attended} <= filed
    assert all(len(person.replies) <= len(person.answers) for person in attended)
    assert {talk.rating for talk in TALKS} - {""} <= set(RATINGS)
    items = {person.item for person in attended} - {""}
    assert items <= {guide.name for guide in load_guides()}
    assert all(bool(talk.righted) == (talk.rating in RATINGS[LOW_RATING - 1 :]) for talk in TALKS if _item(talk))


def _item(talk: Talk) -> str:
    return talk.person.item if talk.person else ""


def test_enough_rated_and_waited_lately_for_figures_to_stand_on_any_day() -> None:
    for first, last in ((0, 45), (90, fill.FIRST_DAYS - 1)):
        rated = [talk.days_ago for talk in TALKS if _item(talk) and first <= talk.days_ago <= last]
        # Wherever a quarter begins, one side of it has enough.
        assert len(rated) >= 2 * public_ratings.LEAST - 1
        assert max(rated) - min(rated) < 90
    waited = [talk for talk in TALKS if talk.person and talk.days_ago < expecting.SINCE.days]
    assert len(waited) > expecting.FEWEST


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    settings = Settings(data=tmp_path)
    engine = open_database(settings.database)
    schema.migrate(engine)
    engine.dispose()
    filling = fill._begin(settings)
    try:
        fill._found(filling, "http://127.0.0.1:8001")
        yield filling
    finally:
        filling.hub.close()


def test_it_is_lived_in_order_and_leaves_nobody_waiting(filling: Filling) -> None:
    furnish(lambda login: fill._by(filling, login), CENTRE, filling.units["service_centre"].id)
    for guide in load_guides():
        if guide.name in {_item(talk) for talk in TALKS}:
            unit = filling.units[guide.unit]
            draft = Draft(title=guide.name, summary=guide.name, fields=fill._guide_fields(guide, unit))
            fill._go_the_way(filling, "zhinan", draft, unit, papers=fill._papers(guide))
    fill._dispatch(filling)
    diary = fill._diary(filling)
    today = filling.clock.now() + timedelta(days=fill.FIRST_DAYS)
    diary.open(today)
    diary.until(today)
    with filling.hub.works.read() as work:
        talks = work.session.scalars(select(Conversation).order_by(Conversation.opened_at)).all()
        assert [talk.id for talk in talks] == sorted(talk.id for talk in talks)
        assert {talk.state for talk in talks} == {ConversationState.CLOSED}
        assert sum(talk.first_reply_at is not None for talk in talks) == sum(talk.person is not None for talk in TALKS)
        assert len(work.session.scalars(select(Rating)).all()) == sum(bool(talk.rating) for talk in TALKS)
        tickets = work.session.scalars(select(Ticket).where(Ticket.conversation_id.is_(None))).all()
        states = [ticket.state for ticket in tickets]
        assert states.count(TicketState.OPEN) == sum(not matter.answer for matter in MATTERS)
        assert states.count(TicketState.SIGNING) == sum(bool(matter.answer) and not matter.signed for matter in MATTERS)
        assert all(ticket.due_at > today for ticket in tickets if ticket.answered_at is None)
        righted = work.session.scalars(select(Ticket.state).where(Ticket.kind == SET_RIGHT)).all()
        assert list(righted) == [TicketState.CLOSED] * sum(bool(talk.righted) for talk in TALKS)
        waits = expecting.minutes(work.session, filling.units["service_centre"].id, 0, work.now)
        assert 0 < waits <= expecting.LONGEST
        shown = work.session.scalars(select(PublicAnswer)).all()
        assert len(shown) == sum(bool(matter.public) for matter in MATTERS)
