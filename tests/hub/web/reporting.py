"""What the figure pages are tested with: an office with a published piece, openings, readings and conversations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from analytics.models import ChannelReading, Suggestion
from bot.models import Conversation, Rating
from content import public
from content.models import Release
from hub.returning import refresh_plan
from kernel.clock import Clock
from scheduler.models import Placement
from scheduler.states import PlacementState
from tests.hub.web.newsroom import Newsroom, open_newsroom


class Bureau(Newsroom):
    """The newsroom with a way to make what comes back."""

    def publish(self, *channels: str, column: str = "notices", **words: str) -> Release:
        """A piece that went live on these channels now."""
        release = self.office.signed_release(*channels, column=column, **words)
        with self.hub.works.write() as work:
            public.went_live(work, release.id, work.now)
            for name in channels:
                work.session.add(
                    Placement(
                        unit_id=release.unit_id,
                        piece_id=release.piece_id,
                        account_id=self.office.accounts[name].id,
                        release_id=release.id,
                        revision_id=release.revision_id,
                        state=PlacementState.LIVE,
                        url=f"https://{name}.example/{release.piece_id}",
                        data={},
                        live_at=work.now,
                        changed_at=work.now,
                    )
                )
        return release

    def read(self, release: Release, channel: str, times: int) -> None:
        """Openings of its portal page now."""
        for _time in range(times):
            assert self.hub.reads.count(release.content["path"], channel)
        self.hub.reads.flush()

    def told(self, release: Release, channel: str, **figures: int) -> None:
        """What the platform says of it today."""
        with self.hub.works.write() as work:
            account = self.office.accounts[channel].id
            query = select(Placement.id).filter_by(piece_id=release.piece_id, account_id=account)
            day = work.now.astimezone(self.hub.settings.office_zone).date()
            placement = work.session.scalars(query).one()
            row = ChannelReading(placement_id=placement, day=day, figures=figures, read_at=work.now)
            work.session.add(row)

    def talk(self, *, unit: str = "bureau", score: int | None = None, **after: float) -> int:
        """A conversation opened now; `after` are minutes until handed_off, first_reply and closed."""
        unit_id = getattr(self.office, unit).id
        with self.hub.works.write() as work:
            moments: dict[str, datetime] = {
                f"{name}_at": work.now + timedelta(minutes=minutes) for name, minutes in after.items()
            }
            row = Conversation(
                unit_id=unit_id,
                channel="portal",
                sender=secrets.token_hex(4),
                engine_session=secrets.token_hex(4),
                state="closed" if "closed" in after else "waiting" if "handed_off" in after else "bot",
                opened_at=work.now,
                heard_at=work.now,
                **moments,
            )
            work.session.add(row)
            work.session.flush()
            if score is not None:
                work.session.add(Rating(unit_id=unit_id, conversation_id=row.id, score=score, at=work.now))
            return row.id

    def advice(self, kind: str = "", words: str = "") -> list[Suggestion]:
        """The open advice after it was worked out anew."""
        refresh_plan(self.hub)
        with self.hub.works.read() as work:
            found = work.session.scalars(select(Suggestion).where(Suggestion.state == "open").order_by(Suggestion.id))
            return [row for row in found if kind in row.kind and words in row.title]

    def suggestion(self, suggestion_id: int) -> Suggestion:
        """Advice as it stands now."""
        with self.hub.works.read() as work:
            return work.session.get_one(Suggestion, suggestion_id)


@contextmanager
def open_bureau(url: str, folder: Path, clock: Clock) -> Iterator[Bureau]:
    """The hub on a fresh database with the whole office."""
    with open_newsroom(url, folder, clock) as room:
        yield Bureau(room.hub, room.app, room.office)
