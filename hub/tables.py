"""Every table of the product, imported so that migrations and tests see them all."""

from __future__ import annotations

from importlib import import_module

from kernel.model import Base

MODULES = (
    "kernel.audit",
    "kernel.duties",
    "kernel.office_rules",
    "kernel.people",
    "kernel.retention",
    "kernel.workdays",
    "bot.models",
    "bot.personal.models",
    "bot.casework.models",
    "bot.citizen_files.models",
    "bot.comments.models",
    "bot.team.models",
    "channels.accounts.models",
    "analytics.models",
    "content.importing.models",
    "content.models",
    "content.rebuttals",
    "content.search_misses",
    "scheduler.models",
    "scheduler.previews.models",
    "scheduler.outside.models",
    "scheduler.recurring.models",
    "scheduler.reposting.models",
    "scheduler.opinion.models",
    "hub.auth.models",
    "hub.hotline.models",
    "hub.notices",
    "hub.outer.models",
)

for _module in MODULES:
    import_module(_module)

metadata = Base.metadata
