"""One contender of `benchmarks.outage`, in a process of its own: a pool with idle sessions, and callers that want one.

Told on its command line what to be, it says "ready" when its sessions lie idle, waits for a line, lets its callers go,
and prints what became of them. It never outlives its time: what hangs then is cut off with the process.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import select
import sys
import threading
import time
from typing import Any, Callable

CALLERS = 20
IDLE = 10
PAUSE = 0.5
"""Seconds that a caller waits after an error before it asks again."""
QUERY = "select 1 from dual"
ORAPOOL = {
    "max": IDLE,
    "acquire_timeout": 5,
    "trust": 1.1,
    "keepalive_idle": 1,
    "keepalive_interval": 1,
    "keepalive_probes": 2,
    "user_timeout": 3,
}
"""Defaults, but for times that are divided by up to 60, so that what takes a minute can be played in seconds."""

Checkout = Callable[[], "contextlib.AbstractContextManager[Any]"]


def _orapool(driver: str, dsn: str, **settings: Any) -> Checkout:
    import orapool

    orapool.configure(dsn=dsn, user="scott", password="tiger", driver=driver, **{**ORAPOOL, **settings})
    return orapool.connection


def _native(driver: str, dsn: str, ping_interval: int | None = None) -> Checkout:
    """The driver's own pool; waiting for a session, as its users mostly have it."""
    pool: Any
    if driver == "cx_oracle":
        import cx_Oracle

        pool = cx_Oracle.SessionPool(
            "scott", "tiger", dsn, min=IDLE, max=IDLE, increment=1, threaded=True, getmode=cx_Oracle.SPOOL_ATTRVAL_WAIT
        )
    else:
        import oracledb

        pool = oracledb.create_pool(user="scott", password="tiger", dsn=dsn, min=IDLE, max=IDLE, increment=1)
    if ping_interval is not None:
        pool.ping_interval = ping_interval
    return lambda: contextlib.closing(pool.acquire())


def _queue_pool(driver: str, dsn: str) -> Checkout:
    """SQLAlchemy's pool. A raw connection that was lost must be invalidated by its user, which its engine would do."""
    from sqlalchemy import URL, create_engine

    engine = create_engine(
        URL.create(f"oracle+{driver}", username="scott", password="tiger"),
        connect_args={"dsn": dsn},
        pool_size=IDLE,
        max_overflow=0,
        pool_pre_ping=True,
    )

    @contextlib.contextmanager
    def checkout() -> Any:
        with engine.connect() as connection:
            yield _Executing(connection)

    return checkout


class _Executing:
    """An engine's connection in place of a driver's: a query that fails goes by way of the engine."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._answer: Any = None

    def cursor(self) -> _Executing:
        return self

    def execute(self, sql: str) -> None:
        self._answer = self._connection.exec_driver_sql(sql)

    def fetchone(self) -> Any:
        return self._answer.fetchone()


CONTENDERS: dict[str, Callable[[str, str], Checkout]] = {
    "orapool": _orapool,
    "orapool, trust=0": lambda driver, dsn: _orapool(driver, dsn, trust=0),
    "driver's pool": _native,
    "driver's pool, ping_interval=0": lambda driver, dsn: _native(driver, dsn, 0),
    "QueuePool, pool_pre_ping": _queue_pool,
}


class Callers:
    """Threads that ask until they have one good answer each, or until the time is over."""

    def __init__(self, checkout: Checkout, count: int, seconds: float) -> None:
        self._checkout = checkout
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._good: list[float] = []
        self._errors: collections.Counter[str] = collections.Counter()
        self._longest = 0.0
        self._asking: dict[int, float] = {}
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(count)]

    def run(self) -> dict[str, Any]:
        """Let them go; what became of them."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))
        with self._lock:
            now = time.monotonic()
            hanging = [now - begun for begun in self._asking.values()]
            return {
                "first": min(self._good, default=None),
                "answered": len(self._good),
                "callers": len(self._threads),
                "errors": sum(self._errors.values()),
                "kinds": dict(self._errors.most_common(4)),
                "longest": max([self._longest, *hanging]),
                "hanging": len(hanging),
            }

    def _run(self, number: int) -> None:
        while time.monotonic() < self._deadline:
            begun = time.monotonic()
            with self._lock:
                self._asking[number] = begun
            error = self._ask()
            now = time.monotonic()
            with self._lock:
                del self._asking[number]
                self._longest = max(self._longest, now - begun)
                if error is None:
                    self._good.append(now)
                    return
                self._errors[error] += 1
            time.sleep(PAUSE)

    def _ask(self) -> str | None:
        try:
            with self._checkout() as connection:
                cursor = connection.cursor()
                cursor.execute(QUERY)
                cursor.fetchone()
        except Exception as error:
            return f"{type(error).__name__}: {error}".splitlines()[0][:160]
        return None


def lay_idle(checkout: Checkout) -> None:
    """Have all sessions open, used and given back."""
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            cursor = stack.enter_context(checkout()).cursor()
            cursor.execute(QUERY)
            cursor.fetchone()
            del cursor


def run_forked(checkout: Checkout, seconds: float) -> dict[str, Any]:
    """Half of the callers in this process, half in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(Callers(checkout, CALLERS // 2, seconds).run()).encode())
        os._exit(0)
    mine = Callers(checkout, CALLERS - CALLERS // 2, seconds).run()
    theirs = None
    if select.select([reading], [], [], 2)[0]:
        theirs = json.loads(os.read(reading, 65536) or b"null")
    if theirs is None:  # it hangs as a whole, or has crashed
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, 9)
        half = CALLERS // 2
        theirs = {"first": None, "answered": 0, "callers": half, "errors": 0, "kinds": {"the child gave no sign": 1}}
        theirs.update(longest=seconds, hanging=half)
    firsts = [each["first"] for each in (mine, theirs) if each["first"] is not None]
    return {
        "first": min(firsts, default=None),
        "longest": max(mine["longest"], theirs["longest"]),
        "kinds": {**theirs["kinds"], **mine["kinds"]},
        **{name: mine[name] + theirs[name] for name in ("answered", "callers", "errors", "hanging")},
    }


def main() -> None:
    """Be a contender."""
    driver, name, dsn, seconds, forked = sys.argv[1:]
    checkout = CONTENDERS[name](driver, dsn)
    lay_idle(checkout)
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    result = (
        run_forked(checkout, float(seconds)) if forked == "yes" else Callers(checkout, CALLERS, float(seconds)).run()
    )
    print(json.dumps({"begun": begun, **result}), flush=True)
    os._exit(0)  # closing could hang


if __name__ == "__main__":
    main()
