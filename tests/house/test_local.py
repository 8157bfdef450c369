"""PostgreSQL and Valkey of one installation's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from marketplace.local import places
from marketplace.local.places import Home, private_folder
from marketplace.local.postgres import Postgres, wait_for_end
from marketplace.local.processes import CannotStart, may_reach, start, stop, unprivileged_user
from marketplace.local.servers import InUse, Lock, Urls, local_servers


def connect(urls: Urls) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(urls.database.replace("+psycopg", ""), autocommit=True)


@pytest.fixture
def home() -> Path:
    """A folder that an unprivileged user reaches (pytest's own are closed to others)."""
    return Path(os.environ["MARKETPLACE_SUITE_HOME"]) / f"local-{os.urandom(4).hex()}"


def test_what_was_kept_is_there_after_a_clean_end_and_a_killed_server(home: Path) -> None:
    with local_servers(home, {}) as urls:
        with connect(urls) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'Llanfairpwllgwyngyll ŵ' AS word")
        Redis.from_url(urls.redis).set("kept", "yes")
    # As after kill -9 with the pid reused: the pid file names a living process that is not this server.
    data = Postgres(Home(home))
    data.locate()
    (data.data / "postmaster.pid").write_text(f"{os.getpid()}\n{data.data}\n")
    (home / "run" / "valkey").touch()
    with local_servers(home, {}) as urls, connect(urls) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("Llanfairpwllgwyngyll ŵ",)
        assert Redis.from_url(urls.redis).get("kept") == b"yes"


def test_two_installations_side_by_side_do_not_meet(home: Path, tmp_path: Path) -> None:
    other = home.with_name(home.name + "-other")
    with (
        local_servers(home, {}, durable=False) as first,
        local_servers(other, {}, durable=False) as second,
        connect(first) as one,
        connect(second) as two,
    ):
        one.execute("CREATE TABLE only_in_the_first (id int)")
        assert two.execute("SELECT to_regclass('only_in_the_first')").fetchone() == (None,)


def test_running_servers_are_used_by_whoever_comes_later(home: Path) -> None:
    with local_servers(home, {}, durable=False) as first, local_servers(home, {}, durable=False) as second:
        assert first == second
        with pytest.raises(InUse, match=r"already running: a marketplace command, process \d+"):
            Lock(Home(home)).take("a test")


def test_two_who_first_ask_at_once_both_find_the_database(home: Path) -> None:
    with local_servers(home, {}, durable=False) as urls:
        for _ in range(5):
            with psycopg.connect(urls.database.replace("/marketplace?", "/postgres?").replace("+psycopg", "")) as other:
                other.autocommit = True
                other.execute("DROP DATABASE marketplace WITH (FORCE)")
            postgres = Postgres(Home(home), durable=False)
            postgres.locate()
            with ThreadPoolExecutor(8) as threads:
                assert all(threads.map(lambda _: postgres.ready(), range(8)))  # noqa: B023 - done before the next round
            connect(urls).close()


def test_given_addresses_win_and_nothing_is_started(home: Path) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere"}
    with local_servers(home, given) as urls:
        assert urls == Urls("postgresql://elsewhere/db", "redis://elsewhere")
    assert not home.exists()


def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    long = home / ("long" * 20) / ("name" * 20)
    with local_servers(long, {}, durable=False) as urls, connect(urls) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server = Postgres(Home(long))
    server.locate()
    for folder in {server.sockets, Home(long).sockets()}:
        assert len(str(folder)) < 90
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder another user's")
def test_two_who_make_a_folder_at_once_never_see_it_half_made(tmp_path: Path) -> None:
    user = unprivileged_user()
    assert user is not None
    with ThreadPoolExecutor(8) as threads:
        for number in range(40):
            made = list(
                threads.map(lambda _, n=number: private_folder(tmp_path / f"folder-{n}" / "run", user), range(8))
            )
            assert {path.stat().st_uid for path in made} == {user.uid}
    assert not list(tmp_path.rglob(".run.*"))


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trap").write_text("not a folder")
    with pytest.raises(CannotStart, match="belongs to somebody else"):
        private_folder(tmp_path / "trap")


def test_a_full_disk_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 5_000_000))
    with pytest.raises(CannotStart, match=r"The disk is full: .* has 5 MB left"):
        Home(tmp_path / "var").make()


def test_a_home_that_cannot_be_made_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="Set MARKETPLACE_HOME"):
        Home(tmp_path / "file" / "var").make()


def runs(pid: int) -> bool:
    """Whether a process is there and not just waiting for its parent to look."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_program_dies_with_whoever_started_it() -> None:
    code = (
        "import signal, time; from marketplace.local.processes import start; "
        "p = start(['/bin/sleep', '60'], death_signal=signal.SIGTERM); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.kill()
    wait_for_end(child, seconds=5)
    assert not runs(child)


def test_a_program_that_will_not_end_is_ended() -> None:
    with start(["/bin/sh", "-c", "trap '' TERM; echo deaf; sleep 60"], death_signal=signal.SIGKILL) as stubborn:
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == b"deaf\n"
        stop(stubborn, signal.SIGTERM, seconds=0.2)
        assert stubborn.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")
def test_as_root_postgresql_runs_where_its_user_can_reach(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout lies under /root, say: programs and data go elsewhere, and no folder's permissions change."""
    monkeypatch.setattr(places, "ROOT_STATE", home / "state")
    closed = home / "closed"
    closed.mkdir(parents=True, mode=0o700)
    user = unprivileged_user()
    assert not may_reach(user, closed / "var")
    with local_servers(closed / "var", {}, durable=False) as urls, connect(urls) as connection:
        assert str(home / "state").replace("/", "%2F") in urls.database
        assert connection.execute("SELECT current_user").fetchone() == ("marketplace",)
    assert closed.stat().st_mode & 0o777 == 0o700
