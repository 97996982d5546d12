"""Dask DataFrames that two worker processes read, each over its own pool, without a password in what travels."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import cloudpickle
import dask
import distributed
import pandas
import pytest

import orapool
import orapool.dask
from orapool import pools
from orapool.sandbox import Sandbox
from tests.conftest import THICK
from tests.families import ports

ROWS = 1000
KNOWN, UNKNOWN = "known", "unknown"
"""Pools: the workers know the password of the first."""


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """Two workers, processes of one thread each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORAPOOL_KNOWN_PASSWORD", "tiger")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture
def pool_of(driver: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configures a pool of this process; at the end it is closed, and unknown."""
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.setattr(pools, "_config", None)

    def configure(name: str, **changes: Any) -> Any:
        settings = {
            "dsn": sandbox.dsn,
            "user": "scott",
            "password": "tiger",
            "driver": driver,
            "max": 2,
            "thick": THICK,
        }
        orapool.configure(name, **{**settings, **changes})
        return orapool.pool(name)

    yield configure
    orapool.close()


@pytest.fixture
def parts(pool_of: Any) -> Iterator[str]:
    """A table whose column `some` has NULLs in a few of its partitions only."""
    name = "dask_parts"
    with pool_of(KNOWN).transaction() as connection:
        connection.cursor().execute(
            f"create table {name} (id number(9) not null, some number(9), word varchar2(20), day date, x number(9,2))"
        )
        connection.cursor().execute(
            f"insert into {name} select level - 1, case when level > 300 then level end, 'word ' || level,"
            f" date '2024-01-01' + level, level / 4 from dual connect by level <= {ROWS}"
        )
    yield name
    orapool.close()
    with orapool.connection(KNOWN) as connection:
        connection.cursor().execute(f"drop table {name}")


def test_the_workers_read_it_over_their_own_pools(
    client: distributed.Client, parts: str, sandbox: Sandbox, driver: str
) -> None:
    frame = orapool.dask.read_df(parts, partition_on="id", partitions=8, name=KNOWN)
    orapool.close()  # the workers need no session of this process

    read = client.gather(client.compute(frame.to_delayed()))

    assert frame.npartitions == len(read) == 8
    for partition in read:
        pandas.testing.assert_series_equal(partition.dtypes, frame.dtypes)
    pids = client.run(os.getpid).values()
    held = {pid: ports(pid, sandbox) for pid in pids}
    assert all(1 <= len(found) <= 2 for found in held.values())
    assert {session["port"] for session in sandbox.sessions()} <= set().union(*held.values())
    assert set(client.run(lambda: orapool.pool(KNOWN).driver.name).values()) == {driver}

    whole = frame.compute().sort_values("id", ignore_index=True)
    expected = orapool.read_df(parts, name=KNOWN).sort_values("id", ignore_index=True)
    pandas.testing.assert_frame_equal(whole, expected, check_dtype=False)
    assert whole["id"].dtype == "int64"
    assert whole["some"].dtype == "Int64"


def check(secret: str, connection: Any) -> None:
    """What is called with each new session."""


def test_what_travels_has_no_password(client: distributed.Client, pool_of: Any) -> None:
    pool_of(KNOWN, on_session=partial(check, "sesame"))

    frame = orapool.dask.read_df(
        "select level as id from dual connect by level <= :n",
        {"n": 50},
        partition_on="id",
        partitions=[20],
        name=KNOWN,
        consistent=False,
    )

    (optimized,) = dask.optimize(frame)
    for travels in (frame, optimized, frame.__dask_graph__(), dict(optimized.__dask_graph__())):
        for found in (cloudpickle.dumps(travels), repr(travels).encode()):
            assert b"tiger" not in found
            assert b"sesame" not in found
    assert b"/ORAPOOL" in cloudpickle.dumps(frame)  # as the DSN has it


def test_a_worker_that_has_no_password_says_so(client: distributed.Client, pool_of: Any) -> None:
    pool_of(UNKNOWN)
    frame = orapool.dask.read_df("dual", partition_on="dummy", partitions=1, name=UNKNOWN)

    with pytest.raises(
        orapool.ConfigurationError,
        match=r"Dask worker tcp://\S+: pool 'unknown': password is not set .*ORAPOOL_UNKNOWN_PASSWORD.*"
        r"no password travels in a graph: .* register an orapool.dask.WorkerPool",
    ):
        frame.compute()


def test_a_worker_that_has_another_password_says_who_could_not_log_on(
    client: distributed.Client, pool_of: Any, sandbox: Sandbox, driver: str
) -> None:
    pool_of(f"denied_{driver}")
    frame = orapool.dask.read_df("dual", partition_on="dummy", partitions=1, name=f"denied_{driver}")
    plugin = orapool.dask.WorkerPool(f"denied_{driver}", dsn=sandbox.dsn, user="scott", password="lion", driver=driver)
    client.register_plugin(plugin)

    with pytest.raises(orapool.LogOnError, match=r"Dask worker tcp://\S+: pool 'denied_.*ORA-01017") as raised:
        frame.compute()

    assert "lion" not in str(raised.value)
    client.unregister_worker_plugin(plugin.name)


def test_a_plugin_configures_the_workers_pools(
    client: distributed.Client, pool_of: Any, sandbox: Sandbox, driver: str
) -> None:
    pool_of(UNKNOWN)
    plugin = orapool.dask.WorkerPool(UNKNOWN, dsn=sandbox.dsn, user="scott", password="tiger", driver=driver, max=1)
    assert "tiger" not in repr(plugin)
    client.register_plugin(plugin)

    frame = orapool.dask.read_df("dual", partition_on="dummy", partitions=1, name=UNKNOWN)

    assert frame.compute()["dummy"].tolist() == ["X"]
    assert set(client.run(lambda: orapool.pool("unknown").settings.max).values()) == {1}
    client.unregister_worker_plugin(plugin.name)


def test_other_settings_reach_workers_that_have_a_pool_already(client: distributed.Client, pool_of: Any) -> None:
    def most(largest: int) -> set[int]:
        orapool.close()
        pools._settings.clear()
        pool_of(KNOWN, max=largest)
        sql = "select level as id from dual connect by level < 9"
        orapool.dask.read_df(sql, partition_on="id", partitions=[2, 4], consistent=False, name=KNOWN).compute()
        return {found.max for found in client.run(lambda: pools.configured().get("known")).values() if found}

    assert 2 in most(2)
    assert 3 in most(3)


def test_all_partitions_are_of_the_moment_of_the_call(client: distributed.Client, parts: str) -> None:
    frame = orapool.dask.read_df(parts, partition_on="rowid", partitions=3, name=KNOWN, consistent=True)
    with orapool.transaction(KNOWN) as connection:
        connection.cursor().execute(f"delete from {parts}")

    assert sorted(frame["id"].compute()) == list(range(ROWS))
    assert len(orapool.dask.read_df(parts, partition_on="rowid", partitions=3, name=KNOWN)) == 0


def test_a_moment_that_is_gone_is_told(client: distributed.Client, parts: str) -> None:
    frame = orapool.dask.read_df(parts, partition_on="id", partitions=3, name=KNOWN)
    with orapool.connection(KNOWN) as connection:
        connection.cursor().execute(f"truncate table {parts}")

    with pytest.raises(orapool.SnapshotUnavailable, match=r"partition \d of 3 .* cannot be read as it was .*ORA-01466"):
        frame.compute()


def test_meta_says_which_types_there_are(client: distributed.Client, parts: str) -> None:
    meta = pandas.DataFrame({"id": pandas.Series(dtype="float64"), "word": pandas.Series(dtype="object")})

    frame = orapool.dask.read_df(
        f"select id, word from {parts}", partition_on="id", partitions=3, name=KNOWN, consistent=False, meta=meta
    )

    read = client.gather(client.compute(frame.to_delayed()))
    assert {str(partition["id"].dtype) for partition in read} == {"float64"}


def test_a_type_that_does_not_hold_it_is_told(client: distributed.Client, parts: str) -> None:
    meta = pandas.DataFrame({"some": pandas.Series(dtype="int64")})
    frame = orapool.dask.read_df(
        f"select some from {parts}", partition_on="some", partitions=3, name=KNOWN, consistent=False, meta=meta
    )

    with pytest.raises(
        orapool.ConfigurationError, match="column some is Int64 in partition 1 of .*, and int64 in meta"
    ):
        frame.compute()


def test_what_does_not_go_is_refused(pool_of: Any) -> None:
    pool_of(KNOWN)
    with pytest.raises(orapool.ConfigurationError, match="Dask shows its own"):
        orapool.dask.read_df("dual", partition_on="dummy", partitions=2, name=KNOWN, progress=True)
    with pytest.raises(orapool.ConfigurationError, match="column N is a NUMBER without scale"):
        orapool.dask.read_df(
            "select 1 / 3 as n, 1 as id from dual", partition_on="id", partitions=2, name=KNOWN, decimals="arrow"
        )


def test_without_dask_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['dask.dataframe'] = None; import orapool.dask"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert run.stderr.splitlines()[-1] == (
        "ImportError: orapool.dask needs dask and distributed: pip install 'orapool[dask]'"
    )
