"""Pictures that an account's settings show (a code to scan): uploaded with its form, kept by the address they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from channels.base import Channel
from content import compose
from content.errors import NotAPicture
from content.pictures import Picture, normalise
from content.snapshot import media_path
from hub.product import Hub
from hub.web.account_form import open_settings_of
from kernel.errors import Invalid
from kernel.people import Viewer
from kernel.work import Work


def uploaded(adapter: type[Channel], sent: FormData) -> dict[str, Picture]:
    """The pictures that came with the form, by the setting; drawn anew while nothing is open. Raises Invalid."""
    files = [one for one in sent.values() if isinstance(one, UploadFile)]
    try:
        return _drawn(adapter, sent)
    finally:
        for file in files:
            file.file.close()


def _drawn(adapter: type[Channel], sent: FormData) -> dict[str, Picture]:
    found = {}
    for setting in open_settings_of(adapter):
        file = sent.get(f"upload.settings.{setting.name}")
        if setting.kind != "picture" or not isinstance(file, UploadFile) or not file.filename:
            continue
        try:
            found[setting.name] = normalise(file.file.read(), file.filename)
        except NotAPicture as error:
            raise Invalid(field=f"upload.settings.{setting.name}", why=error.message("zh")) from error
    return found


def kept(hub: Hub, work: Work, who: Viewer, unit_id: int, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """The settings that these pictures give, each by its address; the pictures belong to the account's unit."""
    return {
        name: media_path(compose.add_account_picture(work, who, unit_id, hub.blobs, name, picture))
        for name, picture in pictures.items()
    }
