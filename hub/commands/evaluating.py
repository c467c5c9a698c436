"""`xuanda bot evaluate` and `xuanda search evaluate`: how well both do on anybody's texts, without an installation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import trial as bot_trial
from bot.nlu.text import officially
from content import trial as search_trial
from hub.errors import CannotRun

search_app = typer.Typer(help="The search over the site.", no_args_is_help=True)

Questions = Annotated[Path, typer.Option(help="key<TAB>question a line; an empty key must not be answered.")]
Out = Annotated[Path | None, typer.Option("--json", help="Where what became of each question is written.")]


@search_app.callback()
def search() -> None:
    """The search over the site."""


def evaluate_bot(
    faqs: Annotated[Path, typer.Option(help="One JSON object a line: key, question, wordings, answer.")],
    questions: Questions,
    out: Out = None,
) -> None:
    """Asks the bot questions when these FAQs are all it knows; prints what citizens would have got."""
    known = bot_trial.read_questions(_text(faqs), faqs.name)
    if not known:
        raise CannotRun(why=f"{faqs}: there is no question in it.")
    bot = bot_trial.Trial(known)
    tried = [bot.ask(asked) for asked in bot_trial.read_asked(_text(questions), questions.name)]
    _write(out, [one.as_json() for one in tried])
    found = bot_trial.figures(tried)
    if found.inside:
        typer.echo(f"{found.inside} questions with an answer: top-1 {found.top1:.3f}, top-3 {found.top3:.3f}")
        typer.echo(f"  answered right {found.answered_right:.3f}, answered wrong {found.answered_wrong:.3f}")
    if found.outside:
        typer.echo(f"{found.outside} questions without one: not answered {found.refused_outside:.3f}")


@search_app.command("evaluate")
def evaluate_search(
    documents: Annotated[Path, typer.Option(help="A folder of UTF-8 .txt files; the first line is the title.")],
    questions: Questions,
    out: Out = None,
) -> None:
    """Searches these documents for each question; prints how often the right one is found."""
    # What a file manager leaves beside the documents begins with a dot.
    found = (path for path in sorted(documents.glob("*.txt")) if path.is_file() and not path.name.startswith("."))
    files = {path.stem: _text(path) for path in found}
    if not files:
        raise CannotRun(why=f"{documents}: there is no .txt file in it.")
    search = search_trial.Trial(search_trial.read_documents(files), officially)
    asked = bot_trial.read_asked(_text(questions), questions.name)
    searched = [search.ask(one.key, one.text) for one in asked]
    _write(out, [one.as_json() for one in searched])
    shares = ", ".join(f"recall@{depth} {search_trial.recall(searched, depth):.3f}" for depth in (1, 5))
    typer.echo(f"{len(files)} documents, {len(asked)} questions: {shares}")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as failure:
        raise CannotRun(why=f"{path} cannot be read: {failure.strerror}.") from None
    except UnicodeDecodeError:
        raise CannotRun(why=f"{path} is not UTF-8.") from None


def _write(out: Path | None, rows: Sequence[dict[str, Any]]) -> None:
    if out is None:
        return
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    try:
        # Half of a character's pair is written as JSON writes it.
        out.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as failure:
        raise CannotRun(why=f"{out} cannot be written: {failure.strerror}.") from None
