"""A Rasa server's own calls: what it makes of a text, which model it serves, and that it serve another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from bot.errors import NotSwapped

SWAP_SECONDS = 60.0
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class RasaServer:
    """One Rasa server on a private address; `token` is its `--auth-token`, '' where it asks for none."""

    http: httpx.Client
    url: str
    token: str

    def parse(self, text: str, message: str, seconds: float) -> Mapping[str, Any]:
        """Rasa's parse of a text; raises httpx.HTTPError or ValueError where there is no honest answer."""
        body = {"text": text, "message_id": message}
        answer = self.http.post(self._at("model/parse"), params=self._token, json=body, timeout=seconds)
        answer.raise_for_status()
        parsed: Mapping[str, Any] = answer.json()
        return parsed

    def serves(self, seconds: float = LOOK_SECONDS) -> str:
        """The name of the model file that it serves, '' for none; raises httpx.HTTPError where it does not say."""
        answer = self.http.get(self._at("status"), params=self._token, timeout=seconds)
        answer.raise_for_status()
        try:
            return PurePosixPath(str(answer.json().get("model_file") or "")).name
        except (ValueError, AttributeError) as failure:
            raise httpx.DecodingError(str(failure)[:100]) from failure

    def swap(self, model: Path) -> None:
        """Puts a model into service; on a refusal the server keeps the one it has. Raises NotSwapped."""
        body = {"model_file": str(model.resolve())}
        try:
            answer = self.http.put(self._at("model"), params=self._token, json=body, timeout=SWAP_SECONDS)
        except httpx.HTTPError as failure:
            # The answer may be lost, and the model in service all the same: it is asked which one it serves.
            if not self._took(model):
                raise NotSwapped(why=f"{self.url}: {type(failure).__name__}") from failure
            return
        if answer.status_code != 204:
            raise NotSwapped(why=f"{answer.status_code} {' '.join(answer.text.split())[:200]}")

    def _took(self, model: Path) -> bool:
        try:
            return self.serves() == model.name
        except httpx.HTTPError:
            return False

    def _at(self, place: str) -> str:
        return f"{self.url.rstrip('/')}/{place}"

    @property
    def _token(self) -> dict[str, str]:
        return {"token": self.token} if self.token else {}
