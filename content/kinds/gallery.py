"""图集: pictures in order, each with its description, and a text for those who cannot see them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from content.kinds.base import FieldSpec, Kind
from kernel.typed import number_in
from templates.views import PortalItem, PortalPicture

_PICTURE = re.compile(r"<img\b[^>]*>")
_ATTRIBUTE = re.compile(r'\s(src|alt|width|height)="([^"]*)"')
_EMPTY = re.compile(r"<(p|figure)>\s*(?:<br>)?\s*</\1>")


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalItem:
    body = str(base["body_html"])
    pictures = [_picture(tag) for tag in _PICTURE.findall(body)]
    text = _EMPTY.sub("", _PICTURE.sub("", body))
    return PortalItem(**{**base, "body_html": text, "pictures": pictures, "author": fields.get("photographer", "")})


def _picture(tag: str) -> PortalPicture:
    about = dict(_ATTRIBUTE.findall(tag))
    alt = unescape(about.get("alt", ""))
    size = [number_in(about.get(name, "")) or 0 for name in ("width", "height")]
    return PortalPicture(unescape(about.get("src", "")), alt, alt, *size)


KIND = Kind(
    name="gallery",
    label="图集",
    position=70,
    fields=(FieldSpec("photographer", "摄影", limit=60),),
    view=_view,
)
