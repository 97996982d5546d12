"""Recording what unmodified drivers send: a relay between them and a sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orapool.sandbox import Sandbox

DRIVERS = {"cx_oracle": "cx_Oracle", "oracledb": "oracledb"}
USER, PASSWORD = "scott", "tiger"
ACCEPT, FAST_AUTHENTICATION = 2, 0x10000000


@dataclass(frozen=True)
class Conversation:
    """What a client sent over one connection.

    Attributes:
        name: the driver and what it did.
        turns: what it sent until the server answered, each time.
    """

    name: str
    turns: tuple[bytes, ...]


class Relay:
    """Passes bytes between clients and a sandbox, and keeps what each client sends.

    Args:
        target: the sandbox's port.
        hides_fast_authentication: whether clients are not offered it, though the sandbox does.
    """

    def __init__(self, target: int, hides_fast_authentication: bool = False) -> None:
        self._target = target
        self._hides = hides_fast_authentication
        self._recorded: list[list[bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return int(self._listener.getsockname()[1])

    def close(self) -> list[tuple[bytes, ...]]:
        """Listen no more, wait for the ends of all connections; returns what was sent over each."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(20)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)
        return [tuple(turns) for turns in self._recorded]

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            turns: list[bytes] = []
            self._recorded.append(turns)
            self._threads.append(threading.Thread(target=self._pass_on, args=(client, turns), daemon=True))
            self._threads[-1].start()

    def _pass_on(self, client: socket.socket, turns: list[bytes]) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        speaks = False
        with client, server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select():
                    data = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is server:
                        client.sendall(_without_offer(data) if self._hides and len(turns) == 1 else data)
                        speaks = False
                        continue
                    if speaks:
                        turns[-1] += data
                    else:
                        turns.append(data)
                    speaks = True
                    server.sendall(data)


def _without_offer(answer: bytes) -> bytes:
    """The answer to CONNECT; an ACCEPT's last four bytes are its flags."""
    if answer[4] != ACCEPT:
        return answer
    flags = int.from_bytes(answer[-4:], "big") & ~FAST_AUTHENTICATION
    return answer[:-4] + flags.to_bytes(4, "big")


def record(sandbox: Sandbox) -> list[Conversation]:
    """Have each driver say all that it can; returns what it sent.

    The drivers run in processes of their own: some calls of cx_Oracle hold the lock that the relay needs.
    """
    found = []
    for driver in DRIVERS:
        relay = Relay(sandbox.port, hides_fast_authentication=True)
        try:
            subprocess.run([sys.executable, "-m", __name__, driver, f"127.0.0.1:{relay.port}/ORAPOOL"], check=True)
        finally:
            recorded = relay.close()
        names = [*SPEECHES, "pooled", "pipelines"]
        found += [Conversation(f"{driver}, {name}", turns) for name, turns in zip(names, recorded)]
    return [*found, record_log_on(sandbox)]


def record_log_on(sandbox: Sandbox) -> Conversation:
    """A log-on of python-oracledb, by fast authentication where the sandbox offers that, and a query."""
    relay = Relay(sandbox.port)
    try:
        dbapi = importlib.import_module("oracledb")
        with dbapi.connect(user=USER, password=PASSWORD, dsn=f"127.0.0.1:{relay.port}/ORAPOOL") as connection:
            connection.cursor().execute("select 1 from dual").fetchall()
    finally:
        (turns,) = relay.close()
    return Conversation("oracledb, log-on", turns)


def speak(driver: str, dsn: str) -> None:
    """Say all that a driver can, each over a connection of its own."""
    dbapi = importlib.import_module(DRIVERS[driver])
    for say in SPEECHES.values():
        with dbapi.connect(user=USER, password=PASSWORD, dsn=dsn) as connection:
            say(dbapi, connection)
    arguments = {"user": USER, "password": PASSWORD, "dsn": f"{dsn}:pooled", "cclass": "FUZZ"}
    with dbapi.connect(**arguments, purity=dbapi.ATTR_PURITY_SELF) as connection:
        connection.cursor().execute("select 1 from dual").fetchall()
    if driver == "oracledb":
        asyncio.run(_pipelines(dbapi, dsn))


async def _pipelines(dbapi: Any, dsn: str) -> None:
    async with dbapi.connect_async(user=USER, password=PASSWORD, dsn=dsn) as connection:
        for continue_on_error in (True, False):
            pipeline = dbapi.create_pipeline()
            pipeline.add_executemany("insert into fuzz_values (id) values (:1)", [(n,) for n in range(3000, 3100)])
            pipeline.add_execute("insert into fuzz_values (id) values (:1)", [3000])
            pipeline.add_fetchall("select id from fuzz_values where id >= 3000")
            pipeline.add_commit()
            with contextlib.suppress(dbapi.DatabaseError):
                await connection.run_pipeline(pipeline, continue_on_error=continue_on_error)
            await connection.execute("delete from fuzz_values where id >= 3000")
            await connection.commit()


def _queries(dbapi: Any, connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("select 1 from dual").fetchall()
    cursor.arraysize = cursor.prefetchrows = 7
    cursor.execute("select level id, 'row ' || level name from dual connect by level <= :n", n=60).fetchall()
    for number in (1, 2, 3):  # from the statement cache
        cursor.execute("select :n + 1, :s from dual", n=number, s="x" * number * 200).fetchall()
    with contextlib.suppress(dbapi.DatabaseError):
        cursor.execute("select nothing from nowhere")
    connection.module, connection.action, connection.client_identifier = "fuzz", "read", "nobody"
    connection.current_schema = "SCOTT"
    cursor.execute("select user from dual").fetchall()
    connection.ping()


def _binds(dbapi: Any, connection: Any) -> None:
    cursor = connection.cursor()
    cursor.setinputsizes(t=dbapi.DB_TYPE_TIMESTAMP, f=dbapi.DB_TYPE_BINARY_DOUBLE, n=dbapi.DB_TYPE_NVARCHAR)
    cursor.execute(
        "insert into fuzz_values (id, amount, ratio, name, day, moment, code, national)"
        " values (:i, :a, :f, :s, :d, :t, :r, :n)",
        i=1,
        a=-12.25,
        f=0.1,
        s="Zoë",
        d=datetime.datetime(2024, 2, 29, 1, 2, 3),
        t=datetime.datetime(2024, 2, 29, 1, 2, 3, 456),
        r=b"\0\xff",
        n="ř",
    )
    cursor.execute("update fuzz_values set name = null where id = :i", i=1)
    got = cursor.var(dbapi.NUMBER)
    cursor.execute("update fuzz_values set amount = amount + 1 where id = :i returning id into :o", i=1, o=got)
    cursor.execute("begin :o := :i + 1; end;", i=1, o=got)
    cursor.execute("select * from fuzz_values").fetchall()
    connection.rollback()


def _arrays(dbapi: Any, connection: Any) -> None:
    cursor = connection.cursor()
    rows = [(number, number / 3, f"name {number}", b"%d" % number) for number in range(2, 120)]
    cursor.executemany("insert into fuzz_values (id, amount, name, code) values (:1, :2, :3, :4)", rows)
    cursor.executemany(
        "insert into fuzz_values (id) values (:1)",
        [(n,) for n in (200, 2, 201)],
        batcherrors=True,
        arraydmlrowcounts=True,
    )
    connection.commit()
    cursor.execute("delete from fuzz_values")
    connection.commit()
    # Arrays of PL/SQL, which are read although a single value stands there.
    for values in ([1, None, 3], ["a", None, "ř" * 300]):
        with contextlib.suppress(dbapi.DatabaseError):
            cursor.execute("begin :1 := 1; end;", [cursor.arrayvar(type(values[0]), values, 1000)])


def _lobs(dbapi: Any, connection: Any) -> None:
    cursor = connection.cursor()
    clob = connection.createlob(dbapi.DB_TYPE_CLOB)
    clob.write("some text ř " * 500)
    blob = connection.createlob(dbapi.DB_TYPE_BLOB)
    blob.write(bytes(range(256)) * 3)
    blob.trim(300)
    clob.size()
    cursor.execute("insert into fuzz_values (id, note, picture) values (900, :1, :2)", [clob, blob])
    cursor.execute("insert into fuzz_values (id, note, picture) values (901, :1, :2)", ["short", b"\1" * 40_000])
    for note, picture in cursor.execute("select note, picture from fuzz_values where id >= 900 order by id"):
        note.read(2, 10)
        picture.size()
        picture.read()
    (note,) = cursor.execute("select note from fuzz_values where id = 900 for update").fetchone()
    note.write("other text", 6)
    note.trim(100)
    connection.rollback()


def _breaks(dbapi: Any, connection: Any) -> None:
    cursor = connection.cursor()
    name = "callTimeout" if dbapi.__name__ == "cx_Oracle" else "call_timeout"
    for milliseconds in (50, 100):
        setattr(connection, name, milliseconds)
        with contextlib.suppress(dbapi.DatabaseError):
            cursor.execute("select count(*) from dual connect by level <= 5000000").fetchall()
    setattr(connection, name, 0)
    cursor.execute("select 1 from dual").fetchall()


def _direct_path(dbapi: Any, connection: Any) -> None:
    if not hasattr(connection, "direct_path_load") or not connection.thin:
        return
    rows = [(number, f"name {number}", number / 4) for number in range(2000, 2200)]
    connection.direct_path_load("SCOTT", "FUZZ_VALUES", ["ID", "NAME", "AMOUNT"], rows)
    connection.cursor().execute("delete from fuzz_values where id >= 2000")
    connection.commit()


SPEECHES = {
    "queries": _queries,
    "binds": _binds,
    "arrays": _arrays,
    "LOBs": _lobs,
    "breaks": _breaks,
    "direct path": _direct_path,
}

TABLE = (
    "create table fuzz_values (id number(9) primary key, amount number, ratio binary_double, name varchar2(40),"
    " day date, moment timestamp(6), code raw(40), national nvarchar2(40), note clob, picture blob)"
)


@contextlib.contextmanager
def recorded(sandbox: Sandbox) -> Iterator[list[Conversation]]:
    """The conversations, with the table that they are about."""
    dbapi = importlib.import_module("oracledb")
    with dbapi.connect(user=USER, password=PASSWORD, dsn=sandbox.dsn) as connection:
        connection.cursor().execute(TABLE)
        yield record(sandbox)


if __name__ == "__main__":
    speak(*sys.argv[1:])
