"""What a form gets back when something in it is wrong: the fields as typed, and the sentence beside its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.web.access import Asker
from kernel.errors import XuandaError


@dataclass(frozen=True)
class FormState:
    """Values to show and at most one fault; templates call `error("name")` and `value("name")`."""

    values: Mapping[str, str] = field(default_factory=dict)
    fault_field: str | None = None
    fault: str = ""

    def value(self, name: str) -> str:
        """What was typed, or what stands in the database."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """The sentence for this field, or ''."""
        return self.fault if self.fault_field == name else ""

    def other(self, *fields: str) -> str:
        """A fault that belongs to none of the fields, for the head of the form."""
        return self.fault if self.fault and self.fault_field not in fields else ""


def refused(asker: Asker, error: XuandaError, **values: str) -> FormState:
    """The state of a form that was not accepted."""
    return FormState(values, error.field, error.message(asker.language))
