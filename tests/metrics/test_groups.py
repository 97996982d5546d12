"""Groups of processes: what is counted stays counted, whoever closes a pool, ends, or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orapool.counters import NO_STATS, PoolStats
from orapool.sandbox import Sandbox
from orapool.tags import script_name
from orapool.watching import groups
from orapool.watching.processes import ancestors, identify
from orapool.watching.published import Group, read
from tests.metrics.conftest import MakePool, start
from tests.waiting import until


@pytest.fixture
def driver() -> str:
    """The drivers have no part in it."""
    return "oracledb"


def end(process: subprocess.Popen[str], how: int | None = None) -> None:
    """End it, in order or by a signal."""
    if how is not None:
        process.send_signal(how)
    process.communicate()


def summed(members: groups.Members, name: str) -> PoolStats:
    """All of a pool's numbers."""
    stats = members.gone.get(name, NO_STATS)
    return sum((each.stats for each in members.there if each.about.pool == name), stats)


@pytest.mark.parametrize("how", [None, signal.SIGKILL], ids=["in order", "killed"])
def test_a_process_that_ends_is_in_the_sums_afterwards(
    sandbox: Sandbox, folder: Path, name: str, how: int | None
) -> None:
    group = Group(identify(), "shop")
    first, second = (start(sandbox, folder, name, "shop") for _ in range(2))
    before = groups.look(group, folder)
    end(first, how)

    after = groups.look(group, folder)
    assert ({each.process.pid for each in before.there}, before.gone) == ({first.pid, second.pid}, {})
    assert [each.process.pid for each in after.there] == [second.pid]
    assert summed(after, name).checkouts == 2
    assert (after.gone[name].busy, after.gone[name].opened) == (0, 0)
    assert [each.process.pid for each in read(folder)] == [second.pid]
    end(second)
    assert summed(groups.look(group, folder), name).checkouts == 2


def test_another_program_and_another_family_are_no_members(sandbox: Sandbox, folder: Path, name: str) -> None:
    stranger, member = start(sandbox, folder, name, "mail"), start(sandbox, folder, name, "shop")

    assert [each.process.pid for each in groups.look(Group(identify(), "shop"), folder).there] == [member.pid]
    assert groups.look(Group(replace(identify(), pid=1, started=1), "shop"), folder) == groups.Members([], {})
    end(member)
    end(stranger)
    assert [each.process.pid for each in read(folder)] == []
    assert len(list(folder.glob("*.pool"))) == 1  # the member's


def test_where_nobody_adds_up_nothing_stays(sandbox: Sandbox, folder: Path, name: str) -> None:
    end(start(sandbox, folder, name, "shop"))

    assert list(folder.iterdir()) == []


def test_a_process_belongs_to_its_ancestors_and_their_children(make_named: MakePool, folder: Path) -> None:
    with make_named().acquire():
        until(lambda: read(folder))

        for group in (groups.of_children(), groups.of_siblings()):
            assert [each.process for each in groups.look(group, folder).there] == [identify()]
    assert groups.of_siblings().root == ancestors()[0]
    assert ancestors()[0].pid == os.getppid()


def test_a_group_is_over_with_its_first_process(sandbox: Sandbox, folder: Path, name: str) -> None:
    first = start(sandbox, folder, name, "shop")
    (published,) = read(folder)
    group = Group(published.process, "shop")
    assert summed(groups.look(group, folder), name).checkouts == 1
    end(first)
    assert len(list(folder.iterdir())) == 2  # whoever looks next finds that it is over

    assert read(folder) == []
    assert list(folder.iterdir()) == []


def test_many_that_are_gone_take_one_file_and_no_total_goes_back_meanwhile(
    make_named: MakePool, folder: Path, name: str
) -> None:
    group = groups.of_children()
    groups.look(group, folder)
    over = threading.Event()

    def add_up() -> list[PoolStats]:
        """Look all the time, as several workers that are scraped."""
        found = []
        while not over.is_set():
            found.append(summed(groups.look(group, folder), name))
        return found

    with ThreadPoolExecutor(2) as readers:
        reading = [readers.submit(add_up) for _ in range(2)]
        for _ in range(40):
            pool = make_named()
            pool.acquire().close()
            pool.publish()
            pool.close()
        over.set()
        looks = [each.result() for each in reading]
    last = summed(groups.look(group, folder), name)

    for found in looks:
        assert all(earlier.checkouts <= later.checkouts for earlier, later in zip(found, found[1:]))
        assert all(earlier.waits.total <= later.waits.total for earlier, later in zip(found, found[1:]))
    assert (last.checkouts, last.uses.count, last.log_ons, last.dropped) == (40, 40, 40, {"pool closed": 40})
    assert len(list(folder.glob("*.pool"))) <= 17
    assert len(list(folder.glob("*.group"))) == 1
    assert {path.suffix for path in folder.iterdir()} <= {".pool", ".group"}


def test_those_of_two_groups_are_in_both(sandbox: Sandbox, folder: Path, name: str, make_named: MakePool) -> None:
    inner, outer = groups.of_children(), groups.of_siblings()
    groups.look(inner, folder)
    groups.look(outer, folder)
    for _ in range(18):
        pool = make_named()
        pool.acquire().close()
        pool.close()

    for _ in range(2):
        assert [summed(groups.look(each, folder), name).checkouts for each in (inner, outer)] == [18, 18]
    assert script_name() == inner.command
