"""The other side of `dispatch.rate.vs_wagtail`: a Wagtail site whose pages are all due; runs in Wagtail's environment.

`python wagtail_site.py FOLDER PAGES` prints how many seconds `publish_scheduled` took for them. The database is the
same kind with the same settings as the product's.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"


def main() -> None:
    """Makes the site, lets its pages become due, publishes them."""
    folder, pages = sys.argv[1], int(sys.argv[2])
    _configure(folder)
    call_command("migrate", verbosity=0)
    model = _page_model()
    with connection.schema_editor() as editor:
        editor.create_model(model)
    _schedule(model, pages)
    began = time.perf_counter()
    call_command("publish_scheduled", verbosity=0)
    taken = time.perf_counter() - began
    live = model.objects.live().count()
    if live != pages:
        raise SystemExit(f"{live} of {pages} pages are live")
    print(taken)


def _configure(folder: str) -> None:
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{folder}/wagtail.db",
        "OPTIONS": {"init_command": PRAGMAS, "transaction_mode": "IMMEDIATE"},
    }
    settings.configure(
        SECRET_KEY="only for this run",  # noqa: S106  # Signs nothing that leaves this process.
        DATABASES={"default": database},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        WAGTAIL_SITE_NAME="peer",
        WAGTAILADMIN_BASE_URL="http://127.0.0.1",
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "taggit",
            "modelcluster",
            "wagtail.users",
            "wagtail.documents",
            "wagtail.images",
            "wagtail.admin",
            "wagtail.search",
            "wagtail",
        ],
    )
    django.setup()


def _page_model():
    from wagtail.fields import RichTextField  # noqa: PLC0415  # Models may be imported only once Django is set up.
    from wagtail.models import Page  # noqa: PLC0415  # Django must be set up first.

    class Notice(Page):
        body = RichTextField()

        class Meta:
            app_label = "wagtailcore"

    return Notice


def _schedule(model, pages: int) -> None:
    from wagtail.models import Page, Revision  # noqa: PLC0415  # Django must be set up first.

    root, now = Page.objects.get(depth=1), timezone.now()
    for number in range(pages):
        title = f"关于第{number}号便民措施的通知"
        page = model(title=title, slug=f"notice-{number}", body=f"<p>{title}，请市民相互转告。</p>" * 8, live=False)
        page.go_live_at = now + timedelta(hours=1)
        root.add_child(instance=page)
        page.save_revision().publish()
    due = now - timedelta(seconds=1)
    for revision in Revision.objects.all():
        revision.content = {**revision.content, "go_live_at": due.isoformat()}
        revision.approved_go_live_at = due
        revision.save()
    Page.objects.filter(go_live_at__isnull=False).update(go_live_at=due)


urlpatterns = []

if __name__ == "__main__":
    main()
