"""The command line `xuanda`: serve, migrate, back up and restore, first people, tokens, checks."""

from __future__ import annotations

import gc

# Nothing that is imported is thrown away again: looking through it took a second of every start, and one of every end.
gc.disable()
try:
    import typer

    from hub.commands import (
        answers,
        archive,
        audit,
        bot,
        demo,
        drilling,
        evaluating,
        importing,
        moving,
        outer,
        portal,
        reference,
        rehearsing,
        serving,
        settings,
        setup,
    )
    from kernel.errors import XuandaError
finally:
    gc.freeze()
    gc.enable()

app = typer.Typer(
    name="xuanda",
    help="Xuanda: one hub for all media of a city's communications office.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show passwords and tokens on the terminal.
    pretty_exceptions_show_locals=False,
    pretty_exceptions_enable=False,
)

app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("demo")(demo.demo)
app.command("rehearsal")(rehearsing.rehearsal)
app.command("drill")(drilling.drill)
app.command("migrate")(serving.migrate)
app.command("settings")(settings.show_settings)
app.command("backup")(archive.backup)
app.command("restore")(archive.restore)
app.command("move-database")(moving.move)
app.add_typer(answers.app, name="answers")
app.add_typer(audit.app, name="audit")
app.add_typer(bot.app, name="bot")
bot.app.command("evaluate")(evaluating.evaluate_bot)
app.add_typer(evaluating.search_app, name="search")
app.add_typer(portal.app, name="portal")
app.add_typer(importing.app, name="import")
app.add_typer(outer.app, name="outer")
app.add_typer(setup.people, name="person")
app.add_typer(setup.keys, name="token")
app.command("docs", hidden=True)(reference.write_reference)


def main() -> None:
    """Runs the command line; a failure of our own family is one clear line and exit code 1."""
    try:
        app()
    except XuandaError as error:
        typer.echo(f"xuanda: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
