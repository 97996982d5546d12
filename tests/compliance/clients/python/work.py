"""Transactions and pools."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import oracledb
from client import TASK, ask, check, connect, fails, rows, run, same, table, value


# ---------------------------------------------------------------- transactions
@check
def commit(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    same(c.transaction_in_progress, True)
    c.commit()
    same(c.transaction_in_progress, False)
    with connect() as other:
        same(value(other, f"select count(*) from {name}"), 1)


@check
def rollback(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    c.rollback()
    with connect() as other:  # closed without a commit
        run(other, f"insert into {name} values (1)")
    same(value(c, f"select count(*) from {name}"), 0)


@check
def autocommit(c):
    name = table(c, "v number")
    c.autocommit = True
    run(c, f"insert into {name} values (1)")
    c.rollback()
    same(value(c, f"select count(*) from {name}"), 1)


@check
def isolation(c):
    name = table(c, "v number")
    with connect() as other:
        run(c, f"insert into {name} values (1)")
        same(value(other, f"select count(*) from {name}"), 0)
        c.commit()
        same(value(other, f"select count(*) from {name}"), 1)


@check
def savepoint(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    run(c, "savepoint here")
    run(c, f"insert into {name} values (2)")
    run(c, "rollback to savepoint here")
    c.commit()
    same(rows(c, f"select v from {name}"), [(1,)])


@check
def row_locked(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (1)")
    c.commit()
    rows(c, f"select v from {name} for update")
    with connect() as other, fails("ORA-00054"):
        run(other, f"select v from {name} for update nowait")


# ---------------------------------------------------------------- pools
@contextlib.contextmanager
def pooled(**options):
    pool = oracledb.create_pool(user=TASK["user"], password=TASK["password"], dsn=TASK["dsn"], **options)
    try:
        yield pool
    finally:
        pool.close(force=True)


@check
def pool(_):
    with pooled(min=1, max=2) as p:
        for i in range(3):
            with p.acquire() as c:
                same(value(c, "select :1 from dual", [i]), i)
        same((p.busy, p.opened), (0, 1))


@check
def pool_concurrency(_):
    with pooled(min=0, max=4, increment=1, getmode=oracledb.POOL_GETMODE_WAIT) as p:
        together = threading.Barrier(4)

        def work(i):
            with p.acquire() as c:
                if i < 4:
                    together.wait(20)
                return value(c, "select to_number(:1) * 2 from dual", [i])

        with ThreadPoolExecutor(8) as threads:
            same(list(threads.map(work, range(40))), [2 * i for i in range(40)])
        same(p.opened, 4)


@check
def pool_full(_):
    with pooled(min=1, max=1, getmode=oracledb.POOL_GETMODE_TIMEDWAIT, wait_timeout=200) as p:
        with p.acquire(), fails("DPY-4005"):
            p.acquire()
        p.acquire().close()


@check
def pool_ping(_):
    with pooled(min=1, max=1, ping_interval=0) as p:
        p.acquire().close()
        before = ask("round_trips").get("ping", 0)
        p.acquire().close()
        same(ask("round_trips")["ping"] - before, 1)


@check
def pool_replaces_a_dead_session(_):
    with pooled(min=1, max=2, ping_interval=0) as p:
        for how in ("fin", "rst"):
            p.acquire().close()
            ask("end_sessions", how)
            with p.acquire() as c:
                same(value(c, "select 1 from dual"), 1)


@check
def pool_drain(_):
    p = oracledb.create_pool(user=TASK["user"], password=TASK["password"], dsn=TASK["dsn"], min=2, max=2)
    c = p.acquire()
    with fails("DPY-1005"):
        p.close()
    c.close()
    p.close()
    with fails("DPY-1002"):
        p.acquire()
