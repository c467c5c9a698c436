"""The API of 归口分类: the classes of matters that a unit uses, in several levels, as on its page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from typing_extensions import TypedDict

from bot.team import classes
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, Done
from hub.web.matter_classes import class_for
from hub.web.sent import Body
from kernel.errors import NotFound
from kernel.people import Permission
from kernel.typed import LARGEST

router = APIRouter(prefix="/api/v1/classes")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.CONVERSATION_READ))]
Supervisor = Annotated[Asker, Depends(api_may(P.QUEUE_SUPERVISE))]
Number = Annotated[int | None, Query(ge=1, le=LARGEST)]


class NewClass(Body):
    """A class at the top or below `parent`; without `unit` it is one's own unit's."""

    name: str = Field(max_length=80)
    parent: int | None = Field(None, ge=1, le=LARGEST)
    unit: int | None = Field(None, ge=1, le=LARGEST)


class ClassTold(TypedDict):
    """A class with its whole path; `unit` keeps it, and only a `leaf` is chosen when a conversation ends."""

    id: int
    unit: int
    path: str
    level: int
    leaf: bool


class Classes(TypedDict):
    """The classes a unit uses, each below its parent."""

    classes: list[ClassTold]


@router.get("")
def list_classes(hub: HubDep, asker: Reader, unit: Number = None) -> Classes:
    """The classes that a unit uses, its own and those of the units above; without `unit` one's own unit's."""
    unit_id = unit or asker.viewer.unit_id
    if not asker.may(P.CONVERSATION_READ, unit_id):
        raise NotFound(field="unit")
    with hub.works.read() as work:
        return {"classes": [_told(one) for one in classes.in_use(work.session, unit_id)]}


@router.post("", status_code=201)
def add_class(hub: HubDep, asker: Supervisor, sent: NewClass) -> ClassTold:
    """A new class; 422 beyond the deepest level."""
    unit_id = sent.unit or asker.viewer.unit_id
    if not asker.may(P.QUEUE_SUPERVISE, unit_id):
        raise NotFound(field="unit")
    with hub.works.write(asker.actor) as work:
        made = classes.add(work, unit_id, sent.name, sent.parent)
        return next(_told(one) for one in classes.in_use(work.session, unit_id) if one.id == made.id)


@router.post("/{class_id}/remove")
def remove_class(hub: HubDep, asker: Supervisor, class_id: int) -> Done:
    """Takes a class out of use, with everything below it; conversations keep theirs."""
    with hub.works.write(asker.actor) as work:
        classes.remove(work, class_for(work, asker, class_id))
    return DONE


def _told(one: classes.Named) -> ClassTold:
    return {"id": one.id, "unit": one.unit_id, "path": one.path, "level": one.depth, "leaf": one.leaf}
