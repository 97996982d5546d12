"""What a process publishes of its pools, and what is made of it when things go wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orapool import SessionPool
from orapool.aio.session_pool import AsyncPool
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from orapool.watching import published
from orapool.watching.published import Published, Publisher, read
from tests.families import environment
from tests.waiting import until

MakePool = Callable[..., SessionPool]

SLEEPER = """
import sys, threading
import orapool
dsn, folder = sys.argv[1:]
orapool.configure(dsn=dsn, user="scott", password="tiger", driver="oracledb", publish_dir=folder)
connection = orapool.connection()
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pools are published."""
    return tmp_path / "published"


@pytest.fixture
def make_published(make_pool: MakePool, folder: Path) -> MakePool:
    """Makes pools that are published there."""
    return lambda **changes: make_pool(publish_dir=folder, **changes)


@pytest.fixture
def sleeper(sandbox: Sandbox, folder: Path) -> Any:
    """A process that has a session checked out, and is published."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, sandbox.dsn, str(folder)], stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    until(lambda: read(folder))
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def only(folder: Path) -> Published:
    """The one pool that is published."""
    (found,) = read(folder)
    return found


class TestAPool:
    def test_is_not_published_before_it_is_used_nor_when_it_is_closed(
        self, make_published: MakePool, folder: Path
    ) -> None:
        pool = make_published()
        pool.stats()
        assert not folder.exists()

        with pool.acquire():
            until(lambda: read(folder))
        pool.close()

        assert (read(folder), list(folder.iterdir())) == ([], [])

    def test_is_shown_as_it_is(self, make_published: MakePool, folder: Path, driver: str) -> None:
        pool = make_published(max=3)
        with pool.acquire(), pool.acquire():
            until(lambda: read(folder) and only(folder).stats.checkouts == 2)
            found = only(folder)
        pool.drop(pool.acquire())

        about = (found.about.pool, found.about.kind, found.about.driver, found.about.user, found.about.max)
        assert about == ("test", "threads", driver, "scott", 3)
        assert found.process.pid == os.getpid()
        assert (found.stats.opened, found.stats.busy, found.stats.checkouts) == (2, 2, 2)
        assert found.stats.longest is not None
        assert found.stats.longest.place.startswith("tests/watching/test_published.py:")
        until(lambda: only(folder).stats.dropped == {"asked": 1})
        until(lambda: dataclasses.replace(only(folder).stats, calls=0) == dataclasses.replace(pool.stats(), calls=0))

    def test_that_is_at_rest_is_not_written_any_more(self, make_published: MakePool, folder: Path) -> None:
        pool = make_published()
        pool.acquire().close()
        until(lambda: pool._lent.at_rest and read(folder))
        (path,) = folder.iterdir()
        written = path.stat().st_mtime_ns

        pool.stats()
        time.sleep(1.5)  # longer than the period, in which nothing is to happen

        assert path.stat().st_mtime_ns == written
        pool.acquire().close()
        until(lambda: only(folder).stats.checkouts == 2)

    def test_shows_an_outage_before_anyone_has_had_a_session(
        self, make_published: MakePool, folder: Path, sandbox: Sandbox
    ) -> None:
        pool = make_published(acquire_timeout=5)
        sandbox.refuse()
        for _ in range(4):
            with pytest.raises(pool.driver.dbapi.Error):
                pool.acquire()

        until(lambda: read(folder) and only(folder).stats.outage_since is not None)
        sandbox.heal()
        until(lambda: only(folder).stats.outage_since is None)

    def test_has_no_secret_in_its_file(self, make_pool: MakePool, folder: Path, sandbox: Sandbox) -> None:
        host, port = sandbox.dsn.partition("/")[0].split(":")
        dsn = (
            f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))(CONNECT_DATA=(SERVICE_NAME=ORAPOOL))"
            "(SECURITY=(MY_WALLET_DIRECTORY=/home/scott/hidden)))"
        )
        pool = make_pool(publish_dir=folder, dsn=dsn)
        with pool.acquire():
            until(lambda: read(folder))
            (path,) = folder.iterdir()
            content = path.read_bytes()

        assert b"SERVICE_NAME=ORAPOOL" in content
        assert b"tiger" not in content
        assert b"hidden" not in content

    def test_can_do_without(self, make_published: MakePool, folder: Path) -> None:
        pool = make_published(publish=False)
        pool.acquire().close()

        assert pool.stats().checkouts == 1
        assert not pool._lent.at_rest
        assert not folder.exists()

    def test_of_asyncio_is_shown_too(self, sandbox: Sandbox, folder: Path) -> None:
        async def use() -> Published:
            settings = load_settings(
                "test", dsn=sandbox.dsn, user="scott", password="tiger", driver="oracledb", publish_dir=folder
            )
            pool = AsyncPool(settings, "test")
            async with pool.acquire():
                while not read(folder):
                    await asyncio.sleep(0.01)
                return only(folder)

        found = asyncio.run(use())

        assert (found.about.kind, found.stats.busy, found.stats.log_ons) == ("asyncio", 1, 1)
        assert found.stats.longest is not None
        assert found.stats.longest.holder.startswith("task ")
        assert found.stats.longest.place.endswith("in use")
        assert read(folder) == []


class TestAProcess:
    def test_that_was_killed_is_gone_and_its_file_with_it(self, sleeper: subprocess.Popen[bytes], folder: Path) -> None:
        assert only(folder).process.pid == sleeper.pid

        sleeper.kill()
        sleeper.wait()

        assert read(folder) == []
        assert list(folder.iterdir()) == []

    def test_that_ends_without_closing_its_pool_leaves_nothing(self, sandbox: Sandbox, folder: Path) -> None:
        program = (
            "import sys, os, time\n"
            "from orapool import SessionPool\n"
            "from orapool.settings import load_settings\n"
            "where = dict(dsn=sys.argv[1], publish_dir=sys.argv[2])\n"
            "pool = SessionPool(load_settings(**where, user='scott', password='tiger', driver='oracledb'))\n"
            "connection = pool.acquire()\n"
            "while not (os.path.isdir(sys.argv[2]) and os.listdir(sys.argv[2])):\n"
            "    time.sleep(0.01)\n"
        )
        subprocess.run([sys.executable, "-c", program, sandbox.dsn, str(folder)], env=environment(), check=True)

        assert list(folder.iterdir()) == []

    def test_whose_number_another_has_by_now_is_gone_too(
        self, sleeper: subprocess.Popen[bytes], folder: Path, tmp_path: Path
    ) -> None:
        found = only(folder)
        earlier = dataclasses.replace(found.process, started=found.process.started - 1)
        stale = folder / "stale.pool"
        write(stale, dataclasses.replace(found, process=earlier))

        assert [each.process for each in read(folder)] == [found.process]
        assert not stale.exists()

    def test_of_another_boot_is_gone_and_one_of_another_container_is_left_alone(
        self, sleeper: subprocess.Popen[bytes], folder: Path
    ) -> None:
        found = only(folder)
        rebooted, contained = folder / "rebooted.pool", folder / "contained.pool"
        write(rebooted, dataclasses.replace(found, process=dataclasses.replace(found.process, boot="before")))
        elsewhere = dataclasses.replace(found.process, namespace="pid:[1]", started=1)
        write(contained, dataclasses.replace(found, process=elsewhere))

        assert len(read(folder)) == 1
        assert (rebooted.exists(), contained.exists()) == (False, True)

    def test_that_forks_has_children_with_files_of_their_own(self, make_published: MakePool, folder: Path) -> None:
        pool = make_published()
        with pool.acquire():
            until(lambda: read(folder))
            ready, go_on = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:  # no test's code after this
                try:
                    with pool.acquire():
                        until(lambda: len(read(folder)) == 2)
                        os.write(ready[1], b"x")
                        os.read(go_on[0], 1)
                    pool.close()
                finally:
                    os._exit(0)
            os.read(ready[0], 1)

            assert {each.process.pid for each in read(folder)} == {os.getpid(), child}
            assert {each.stats.checkouts for each in read(folder)} == {1}

            os.write(go_on[1], b"x")
            os.waitpid(child, 0)
            assert only(folder).process.pid == os.getpid()
        for each in (*ready, *go_on):
            os.close(each)


class TestAFile:
    def test_that_is_torn_is_left_alone_and_read_when_it_is_whole_again(
        self, sleeper: subprocess.Popen[bytes], folder: Path
    ) -> None:
        (path,) = folder.iterdir()
        content = path.read_bytes()
        torn = folder / path.name.replace("-", "-0")
        torn.write_bytes(content[: len(content) // 2])
        torn.chmod(0o600)
        mixed = folder / path.name.replace("-", "-1")
        mixed.write_bytes(content.replace(b'"busy":1', b'"busy":9'))
        mixed.chmod(0o600)

        assert [each.process.pid for each in read(folder)] == [sleeper.pid]
        assert (torn.exists(), mixed.exists()) == (True, True)

        torn.write_bytes(content)
        assert len(read(folder)) == 2

    def test_that_is_torn_and_of_a_process_that_is_gone_is_removed(self, folder: Path) -> None:
        published.make_folder(folder)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        path = folder / f"{gone.pid}-0.pool"
        path.write_bytes(b"ORAPOOL")
        path.chmod(0o600)

        assert read(folder) == []
        assert path.exists()  # it may be about to be written
        os.utime(path, (time.time() - 60, time.time() - 60))
        assert read(folder) == []
        assert not path.exists()

    def test_is_the_users_own_and_nobody_elses(self, sleeper: subprocess.Popen[bytes], folder: Path) -> None:
        (path,) = folder.iterdir()

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("fault", ["open to others", "a link", "a pipe"])
    def test_that_is_not_is_not_read(self, sleeper: subprocess.Popen[bytes], folder: Path, fault: str) -> None:
        (path,) = folder.iterdir()
        if fault == "open to others":
            path.chmod(0o644)
        elif fault == "a link":
            path.rename(folder / "elsewhere")
            path.symlink_to(folder / "elsewhere")
        else:
            path.unlink()
            os.mkfifo(path, 0o600)

        assert read(folder) == []
        assert os.path.lexists(path)

    @pytest.mark.parametrize("fault", ["open to others", "a link", "a file", "of another user"])
    def test_is_not_written_in_a_folder_that_is_not(
        self, make_pool: MakePool, folder: Path, caplog: pytest.LogCaptureFixture, fault: str
    ) -> None:
        if fault == "open to others":
            folder.mkdir()
            folder.chmod(0o755)
        elif fault == "a link":
            (folder.parent / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(folder.parent / "elsewhere")
        elif fault == "a file":
            folder.touch()
        elif os.geteuid() == 0:
            folder.mkdir(mode=0o700)
            os.chown(folder, 1, 1)
        else:
            folder = Path("/proc")
        pool = make_pool(publish_dir=folder)
        with pool.acquire():
            until(lambda: "its numbers are not published" in caplog.text)
        pool.acquire().close()

        assert caplog.text.count("its numbers are not published") == 1
        assert read(folder) == []

    def test_of_another_version_is_left_alone(self, sleeper: subprocess.Popen[bytes], folder: Path) -> None:
        found = only(folder)
        path = folder / "other.pool"
        write(path, found, lambda text: text.replace('"bounds":[0.0001', '"bounds":[0.0002'))

        assert len(read(folder)) == 1
        assert path.exists()


def write(path: Path, what: Published, change: Callable[[str], str] = lambda text: text) -> None:
    """Write a file as a process would that were as `what` says."""
    text = change(json.dumps({"bounds": what.stats.waits.bounds, **dataclasses.asdict(what)}, separators=(",", ":")))
    header = published._HEADER.pack(published._MARK, 1, len(text), published.zlib.crc32(text.encode()))
    path.write_bytes(header + text.encode())
    path.chmod(0o600)


def test_the_folder_is_the_sessions_or_else_in_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert published.folders()[0] == tmp_path / "orapool"

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert published.folders()[0] == tmp_path / f"orapool-{os.geteuid()}"

    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert published.folders()[0] == tmp_path / f"orapool-{os.geteuid()}"
    assert published.folders(tmp_path) == [tmp_path]


def test_publishing_costs_little(make_pool: MakePool, folder: Path) -> None:
    pool = make_pool(publish=False)
    with pool.acquire():
        stats = pool.stats()
    about = published.About("test", "threads", "pytest", "oracledb", "scott", "db1:1521/SALES", 1, 4)
    publisher = Publisher(about, folder)
    begun = time.process_time()
    for number in range(200):
        publisher.publish(dataclasses.replace(stats, checkouts=number))
    seconds = (time.process_time() - begun) / 200
    publisher.remove()

    assert seconds < 0.01  # a second; measured: 0.0001
