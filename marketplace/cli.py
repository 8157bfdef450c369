"""The `marketplace` command.

Every subcommand uses the installation's running PostgreSQL and Valkey, or starts them for as long as it needs
(DATABASE_URL and REDIS_URL win over both). What is refused is said in plain words and ends with 1.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketplace.local.processes import CannotStart

if TYPE_CHECKING:
    from flask import Flask

CHECKOUT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """The folder with all data of this installation."""
    return Path(os.environ.get("MARKETPLACE_HOME") or CHECKOUT / "var").absolute()


@contextmanager
def application() -> Iterator[Flask]:
    """The application on answering servers, inside an application context."""
    from marketplace.local.servers import local_servers

    if os.environ.get("MARKETPLACE_MODE") == "production":  # never servers of our own there
        with _created() as app:
            yield app
        return
    with local_servers(home()) as urls:
        os.environ.update(urls.environment())
        with _created() as app:
            _furnish()
            yield app


def _furnish() -> None:
    """A new installation gets its tables and reference data with the first command, whichever that is."""
    import sqlalchemy

    from marketplace.extensions import db

    if not sqlalchemy.inspect(db.engine).has_table("alembic_version"):
        click.echo("a new installation: making its tables and loading reference data", err=True)
        _migrate()
        _load_reference()


@contextmanager
def _created() -> Iterator[Flask]:
    from marketplace.app import create_app
    from marketplace.extensions import db

    app = create_app()
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def report(data: Any, *, as_json: bool, words: str) -> None:
    """Say what was done: to people, or to programs."""
    click.echo(json.dumps(data, default=str, ensure_ascii=False) if as_json else words)


json_option = click.option("--json", "as_json", is_flag=True, help="Report as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run and look after one installation of the Dynamic Framework Marketplace.

    MARKETPLACE_HOME says where its data is (default: var/ in the checkout), PORT where its pages are (default: 5000).
    """


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=5000, show_default=True)
def run(port: int) -> None:
    """Start everything and keep it running until Ctrl-C: servers, web, worker, scheduler."""
    from marketplace.local.supervisor import Supervisor

    Supervisor(home(), port, dict(os.environ)).run()


@cli.command()
@json_option
def prepare(as_json: bool) -> None:
    """Bring the database up to date: migrations, reference data and, in demonstration mode, demonstration data."""
    with application() as app:
        click.echo("bringing the tables up to date", err=True)
        _migrate()
        click.echo("loading reference data", err=True)
        settings = app.config["SETTINGS"]
        said: dict[str, Any] = {"mode": settings.mode, "reference": _load_reference()}
        if settings.is_demonstration:
            click.echo("loading demonstration data (the first time, this takes a moment)", err=True)
            said |= {"demonstration": _load_demonstration(), "people": _invented_people()}
        report(said, as_json=as_json, words=f"Ready ({settings.mode}).")


@cli.command()
def migrate() -> None:
    """Bring the tables up to date."""
    with application():
        _migrate()


def _migrate() -> None:
    import flask_migrate

    flask_migrate.upgrade()


@cli.command("load-reference")
@json_option
def load_reference(as_json: bool) -> None:
    """Load places, categories, outcomes, cohorts and selection questions; what is no longer listed is retired."""
    with application():
        loaded = _load_reference()
    words = "\n".join(f"{name}: {', '.join(f'{n} {what}' for what, n in one.items())}" for name, one in loaded.items())
    report(loaded, as_json=as_json, words=words)


def _load_reference() -> dict[str, dict[str, int]]:
    from dataclasses import asdict

    from marketplace import clock
    from marketplace.framework.actions import load_framework
    from marketplace.places.actions import load_places
    from marketplace.transactions import transaction

    now = clock.now()
    with transaction():
        return {"places": asdict(load_places(now=now)), "framework": asdict(load_framework(now=now))}


@cli.group()
def demonstration() -> None:
    """Invented suppliers, people and call-offs at every stage; never in production."""


@demonstration.command("load")
@json_option
def load_demonstration(as_json: bool) -> None:
    """Load the demonstration, once, placed relative to today."""
    with application():
        loaded = _load_demonstration()
    what = ", ".join(f"{count} {name.replace('_', '-')}" for name, count in loaded.items() if name != "fresh")
    report(loaded, as_json=as_json, words=f"{'Loaded' if loaded['fresh'] else 'There already'}: {what}.")


def _load_demonstration() -> dict[str, Any]:
    from dataclasses import asdict

    from marketplace import clock
    from marketplace.demonstration import load

    return asdict(load(clock.now()))


@demonstration.command("people")
@json_option
def demonstration_people(as_json: bool) -> None:
    """Who can sign in to the demonstration: role, organisation, e-mail address and password."""
    with application() as app:
        people = _invented_people() if app.config["SETTINGS"].is_demonstration else []
    words = "\n".join(
        f"{one['role']:<46} {one['organisation']:<44} {one['email']:<44} {one['password']}" for one in people
    )
    report(people, as_json=as_json, words=words or "There are no invented people here: marketplace demonstration load")


def _invented_people() -> list[dict[str, str]]:
    from marketplace.demonstration import people

    return [
        {
            "name": one.name,
            "role": ", ".join(role.label for role in one.roles),
            "organisation": one.organisation,
            "email": one.email,
            "password": one.password,
        }
        for one in people()
    ]


@cli.command("import-contracts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen and keep nothing.")
@json_option
def import_contracts(file: Path, dry_run: bool, as_json: bool) -> None:
    """Take the contracts of FILE, a CSV of the live register. Rows that cannot be read are named; the rest goes in."""
    from contracts.agreements.actions.importing import import_register
    from marketplace import access, clock, spreadsheets, transactions

    def progress(done: int, total: int) -> None:
        click.echo(f"{done} of {total} rows", err=True)

    lines, told = spreadsheets.lines_in(file.read_bytes()), None if as_json else progress
    with application(), transactions.transaction():
        result = import_register(lines, actor=access.SYSTEM, now=clock.now(), dry_run=dry_run, progress=told)
    words = [f"line {one.line} ({one.reference or 'no reference'}): {one.reason}" for one in result.refusals]
    words.append(
        f"{result.imported} imported, {result.changed} changed, {result.unchanged} unchanged, {result.refused} refused"
        f" ({result.new_suppliers} new suppliers, {result.new_commissioners} new commissioning bodies)."
        + (" Nothing was kept: this was a dry run." if dry_run else "")
    )
    report(result.as_json(), as_json=as_json, words="\n".join(words))


@cli.command()
@click.argument("line", type=int)
@click.option("--put-right", is_flag=True, help="Have the running count be what the referrals say.")
@json_option
def recount(line: int, put_right: bool, as_json: bool) -> None:
    """Count the referrals of service LINE (the number in its address) again; say where its running count differs."""
    from contracts.referrals import actions
    from marketplace import access, clock, transactions

    work = actions.put_right if put_right else actions.check_counters
    with application(), transactions.transaction():
        found = [one.words for one in work(line, actor=access.SYSTEM, now=clock.now())]
    report(found, as_json=as_json, words="\n".join(found or ["The running count is what the referrals say."]))


@cli.group()
def export() -> None:
    """Write what is published as open data to a file (or to the terminal)."""


output_option = click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")


@export.command("awards")
@output_option
@json_option
def export_awards(output: Path | None, as_json: bool) -> None:
    """The public register of awards, as CSV."""
    _export("/awards.csv", output, as_json=as_json)


@export.command("ocds")
@click.argument("reference")
@output_option
@json_option
def export_ocds(reference: str, output: Path | None, as_json: bool) -> None:
    """The contracting process of competition REFERENCE, as an OCDS release package."""
    _export(f"/open-data/ocds/{reference}.json", output, as_json=as_json)


def _export(path: str, output: Path | None, *, as_json: bool) -> None:
    """The very bytes that the public page gives."""
    with application() as app:
        answer = app.test_client().get(path, base_url=app.config["SETTINGS"].public_url)
    if answer.status_code != 200:
        raise CannotStart("Nothing is published under that reference.")
    if output is None:
        click.echo(answer.get_data(), nl=False)
        return
    output.write_bytes(answer.get_data())
    size = len(answer.get_data())
    report({"file": str(output), "bytes": size}, as_json=as_json, words=f"{output}: {size} bytes.")


@cli.command("check-tables")
def check_tables() -> None:
    """Say whether the migrations make exactly the tables the code says (on an empty database of its own)."""
    import tempfile

    import flask_migrate

    from marketplace.app import create_app
    from marketplace.config import Settings
    from marketplace.extensions import db
    from marketplace.local.servers import local_servers

    with tempfile.TemporaryDirectory(prefix="marketplace-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)  # PostgreSQL is another user when we are root
        urls = stack.enter_context(local_servers(Path(folder), {}, durable=False))
        settings = {"MARKETPLACE_HOME": folder, "MARKETPLACE_MODE": "test"} | urls.environment()
        with create_app(Settings.from_environment(settings)).app_context():
            flask_migrate.upgrade()
            flask_migrate.check()
            db.engine.dispose()


@cli.command()
def worker() -> None:
    """Do queued jobs until told to stop."""
    from marketplace.queueing import run_worker

    with application() as app:
        run_worker(app)


@cli.command()
def scheduler() -> None:
    """Queue the timetable's jobs when they are due, until told to stop."""
    from marketplace.timetable import run_scheduler

    with application() as app:
        run_scheduler(app)


@cli.group()
def jobs() -> None:
    """Look at scheduled jobs, or run one now."""


@jobs.command("list")
@json_option
def list_jobs(as_json: bool) -> None:
    """Every scheduled job, when it runs and what for; and how much waits in the queue."""
    from marketplace import queueing
    from marketplace.timetable import TIMETABLE

    with application():
        queue = queueing.queue()
        waiting, failed = queue.count, queue.failed_job_registry.count
    rows = [{"name": job.name, "when": job.when, "what_for": job.what_for} for job in TIMETABLE]
    words = "\n".join(f"{row['name']:<28} {row['when']:<24} {row['what_for']}" for row in rows)
    report(
        {"jobs": rows, "waiting": waiting, "failed": failed},
        as_json=as_json,
        words=f"{words}\n{waiting} waiting in the queue, {failed} failed in the last seven days.",
    )


@jobs.command("run")
@click.argument("name")
@json_option
def run_job(name: str, as_json: bool) -> None:
    """Run the scheduled job NAME now, in this process, and what it queues."""
    from marketplace.queueing import run_queued
    from marketplace.timetable import TIMETABLE, scheduled

    job = scheduled(name)
    if job is None:
        known = ", ".join(one.name for one in TIMETABLE)
        raise click.UsageError(f"There is no scheduled job called {name}. There are: {known}.")
    with application() as app:
        job.load()()
        done = run_queued(app)
    report({"job": name, "queued_jobs_done": done}, as_json=as_json, words=f"{name} is done.")


def main() -> None:
    """Run the command; say expected refusals in plain words."""
    from marketplace.config import UnsafeSettings
    from marketplace.errors import Refused

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Stopped.")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _fail("Stopped.")
    except (CannotStart, UnsafeSettings, Refused) as error:
        _fail(str(error))
    except OSError as error:
        if error.errno is None or error.strerror is None:
            raise
        _fail(f"{error.strerror}: {error.filename or ''}".rstrip(": "))
    except Exception as error:
        if type(error).__module__.startswith("sqlalchemy") and type(error).__name__ == "OperationalError":
            _fail("The database does not answer. Look at DATABASE_URL, or start the installation with script/run.")
        if type(getattr(error, "orig", None)).__name__ == "UndefinedTable":
            _fail("The database has no tables yet. Make them: marketplace migrate, then marketplace load-reference.")
        raise


def _fail(words: str) -> None:
    click.echo(words, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
