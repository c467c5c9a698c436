"""How the process logs: one line per event on standard error, never the values of local variables or people's numbers.

A traceback that prints locals would write passwords and tokens into the log.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from kernel.masking import mask_line


def configure(*, as_json: bool, least: int = logging.INFO) -> None:
    """Sets the process's logging up; a second time changes it. `least` is the level that is still written."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ends: list[structlog.typing.Processor]
    if as_json:
        json = structlog.processors.JSONRenderer(ensure_ascii=False)
        ends = [structlog.processors.format_exc_info, _masked_values, json]
    else:
        plain = structlog.dev.plain_traceback
        ends = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain), _masked_text]
    structlog.configure(
        processors=[*shared, *ends],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )


def _masked_values(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Numbers of people out of what is about to be written as JSON, whose figures must stay figures."""
    return {name: _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_line(value)
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _masked_text(_logger: object, _method: str, text: Any) -> str:
    """The same for a line that is written as it stands."""
    return mask_line(str(text))


def _to_standard_error(*_names: object) -> structlog.PrintLogger:
    # Asked for at every line, because test runners and supervisors put another standard error in its place.
    return structlog.PrintLogger(sys.stderr)
