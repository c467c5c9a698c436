"""The engine: languages, escaping, strictness, single blocks, components without imports."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from templates.engine import Engine, TemplateMissing, UnknownBlock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small house of templates."""
    (tmp_path / "partials").mkdir()
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.css").write_text("a")
    (tmp_path / "partials" / "one.html").write_text(
        "{% macro _inner(x) %}({{ x }}){% endmacro %}{% macro shout(x) %}<b>{{ x }}!{{ _inner(x) }}</b>{% endmacro %}"
    )
    (tmp_path / "partials" / "two.html").write_text(
        "{% macro twice(x) %}{{ ui.shout(x) }}{{ ui.shout(x) }}{% endmacro %}"
    )
    (tmp_path / "page.html").write_text(
        "<title>{{ _('退回') }}</title>{% block list %}{{ ui.shout(word) }}{% endblock %}{{ 'a.css' | static }}"
    )
    (tmp_path / "post.txt").write_text("{{ word }}{{ nothing }}\n")
    return tmp_path


def test_a_page_is_escaped_and_translated(folder: Path) -> None:
    engine = Engine(folder=folder)
    html = engine.render("page.html", word="<i>&")
    assert "<title>退回</title><b>&lt;i&gt;&amp;!(&lt;i&gt;&amp;)</b>/static/a.css?v=ca978112" in html
    assert "<title>Return</title>" in engine.render("page.html", "en", word="x")


def test_plain_text_keeps_its_characters_and_none_is_blank(folder: Path) -> None:
    assert Engine(folder=folder).render("post.txt", word="<A&B>", nothing=None) == "<A&B>"


def test_a_missing_value_is_an_error(folder: Path) -> None:
    with pytest.raises(UndefinedError, match="word"):
        Engine(folder=folder).render("page.html")


def test_context_may_hold_a_value_called_name(folder: Path) -> None:
    (folder / "name.html").write_text("{{ name }}")
    assert Engine(folder=folder).render("name.html", name="林晓云") == "林晓云"


def test_one_block_is_rendered_alone_with_its_components(folder: Path) -> None:
    engine = Engine(folder=folder)
    assert engine.render_block("page.html", "list", word="x") == "<b>x!(x)</b>"
    with pytest.raises(UnknownBlock, match=r"page\.html has no block lost"):
        engine.render_block("page.html", "lost", word="x")


def test_components_use_each_other_and_hide_their_inner_parts(folder: Path) -> None:
    (folder / "three.html").write_text("{{ ui.twice('x') }}")
    (folder / "four.html").write_text("{{ ui._inner('x') }}")
    engine = Engine(folder=folder)
    assert engine.render("three.html") == "<b>x!(x)</b><b>x!(x)</b>"
    with pytest.raises(UndefinedError):
        engine.render("four.html")


def test_a_kinds_own_template_comes_before_the_default(folder: Path) -> None:
    engine = Engine(folder=folder)
    assert engine.choose("lost.txt", "post.txt", "page.html") == "post.txt"
    with pytest.raises(TemplateMissing, match=r"lost\.txt"):
        engine.choose("lost.txt")


def test_a_changed_file_is_seen_only_when_asked_to_reload(folder: Path) -> None:
    still, fresh = Engine(folder=folder), Engine(folder=folder, reload=True)
    for engine in (still, fresh):
        engine.render("post.txt", word="a", nothing="")
    (folder / "post.txt").write_text("changed")
    assert still.render("post.txt", word="a", nothing="") == "a"
    assert fresh.render("post.txt", word="a", nothing="") == "changed"


def test_sentences_are_filled_and_languages_known(renderer: Engine) -> None:
    assert renderer.languages == ("zh", "en")
    assert renderer.translate("%(n)s 天前", n=3) == "3 天前"
    assert renderer.translate("%(n)s 天前", "en", n=3) == "3 days ago"
    with pytest.raises(KeyError):
        renderer.render("pages/login.html", "fr")


@pytest.fixture
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a package of somebody else's brings for its channel."""
    place = tmp_path_factory.mktemp("brought")
    (place / "default.txt").write_text("{{ post }}｜{{ ui.shout('y') }}")
    (place / "notice.html").write_text("<p>{{ post }}</p>{{ missing }}")
    (place / "deeper").mkdir()
    (place / "deeper" / "one.txt").write_text("deep")
    return place


def test_a_channel_from_outside_brings_templates_for_itself_alone_by_the_same_rules(
    folder: Path, brought: Path
) -> None:
    engine = Engine(folder=folder, outbound={"webhook": brought})
    assert engine.choose("outbound/webhook/faq.txt", "outbound/webhook/default.txt") == "outbound/webhook/default.txt"
    assert engine.render("outbound/webhook/default.txt", post="<A&B>") == "<A&B>｜<b>y!(y)</b>"
    with pytest.raises(UndefinedError, match="missing"):
        engine.render("outbound/webhook/notice.html", post="x")
    assert "&lt;A&gt;" in engine.render("outbound/webhook/notice.html", post="<A>", missing="")
    assert "outbound/webhook/notice.html" in engine._environments["zh"].list_templates()
    for name in ("outbound/other/default.txt", "outbound/webhook/../default.txt", "outbound/webhook/deeper/one.txt"):
        assert not engine.has(name)
        with pytest.raises(TemplateNotFound):
            engine.render(name, post="x")
    with pytest.raises(TemplateNotFound):
        engine.render("default.txt", post="x")


def test_what_a_package_brings_does_not_take_the_place_of_ours(folder: Path, brought: Path) -> None:
    (folder / "outbound" / "webhook").mkdir(parents=True)
    (folder / "outbound" / "webhook" / "default.txt").write_text("ours")
    engine = Engine(folder=folder, outbound={"webhook": brought})
    assert engine.render("outbound/webhook/default.txt", post="x") == "ours"
    assert not engine.has("outbound/webhook/notice.html")
