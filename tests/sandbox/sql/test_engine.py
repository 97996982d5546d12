"""The life of the engine: in memory, in a folder, crashed."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pytest
from psycopg import pq

from orapool.sandbox.sql import ClientWatch, Engine, OracleError, SessionIdentity
from tests.sandbox.sql.session import Session, refused


def open_session(engine: Engine, sid: int = 1) -> Session:
    return Session(engine.open(SessionIdentity(sid, 1, "scott")))


def test_data_in_a_folder_outlives_a_stop(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "data", ["scott"])
    engine.start()
    session = open_session(engine)
    session.run("create table kept (id number(4), name varchar2(10 char))")
    session.run("insert into kept values (1, 'x')")
    session.run("commit")
    session.run("insert into kept values (2, 'lost')")
    before = session.columns("select * from kept")
    engine.stop()
    assert not engine.running
    with refused(3113):
        session.rows("select 1 from dual")
    with refused(1034):
        open_session(engine)
    engine.start()
    with engine, open_session(engine) as session:
        assert session.rows("select * from kept") == [(1, "x")]
        assert session.columns("select * from kept") == before


def test_a_client_that_goes_while_it_logs_on_leaves_nothing() -> None:
    ours, theirs = socket.socketpair()
    with Engine(None, ["scott"]) as engine, ours:
        holder = pq.PGconn.connect(engine._conninfo().encode())
        holder.exec_(b"begin")
        holder.exec_(b"lock table oracle.sessions")  # what a log-on writes to
        theirs.close()

        with refused(1013):
            engine.open(SessionIdentity(1, 1, "scott"), ClientWatch(ours.fileno(), lambda: True))

        holder.exec_(b"rollback")
        others = b"select 1 from pg_stat_activity where application_name = 'sandbox' and pid <> pg_backend_pid()"
        deadline = time.monotonic() + 5
        while holder.exec_(others).ntuples:
            assert time.monotonic() < deadline, "a connection is left"
        assert holder.exec_(b"select * from oracle.sessions").ntuples == 0
        holder.finish()


def test_a_crash_is_an_error_and_no_hang() -> None:
    with Engine(None, ["scott"]) as engine:
        session = open_session(engine)
        session.run("create table t (x number)")
        session.run("insert into t values (1)")
        process = engine._process
        assert process is not None
        os.kill(process.pid, signal.SIGQUIT)
        process.wait()
        with refused(3113):
            session.run("insert into t values (2)")
        assert not session.in_transaction
        with refused(3113):
            session.backend.ping()
        session.backend.close()


def test_a_temporary_engine_leaves_nothing_behind() -> None:
    engine = Engine(None, [])
    engine.start()
    folders = [engine._folder, engine._sockets]
    engine.stop()
    assert all(folder is not None and not folder.exists() for folder in folders)


def test_starting_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Engine(None, []):
            pass


def test_a_folder_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine(tmp_path, ["scott"]):
        pass
    monkeypatch.setattr("orapool.sandbox.sql.bootstrap._FILES", ("catalog.sql",))
    with pytest.raises(RuntimeError, match="another version"), Engine(tmp_path, ["scott"]):
        pass


def test_sessions_are_seen_in_v_session(engine: Engine, user: str) -> None:
    who = SessionIdentity(77, 5, user, program="prog", machine="host", module="m", client_identifier="me", port=1234)
    with Session(engine.open(who)) as session:
        query = (
            "select sid, serial#, username, program, machine, module, client_identifier, port, status from v$session"
        )
        row = session.row(f"{query} where sid = sys_context('userenv', 'sid')")
        assert row == (77, 5, user, "prog", "host", "m", "me", 1234, "ACTIVE")
        session.run("begin dbms_application_info.set_module(:1, 'act'); end;", "mod")
        assert session.row("select module, action from v$session where sid = 77") == ("mod", "act")
    with Session(engine.open(SessionIdentity(78, 1, user))) as session:
        assert session.rows("select sid from v$session where sid = 77") == []


def test_what_v_session_shows_belongs_to_no_transaction(session: Session, other: Session) -> None:
    session.run("create table work (x number)")
    session.run("insert into work values (1)")
    session.backend.set_identity(module="load", client_identifier="kim")
    query = "select module, client_identifier from v$session where module = 'load'"
    assert other.row(query) == ("load", "kim")
    session.run("rollback")
    assert session.row(query) == ("load", "kim")
    session.run("set transaction read only")
    session.run("begin dbms_application_info.set_action('look'); end;")
    assert other.row("select action from v$session where module = 'load'") == ("look",)


def test_v_session_is_a_view_as_any_other(session: Session, other: Session, user: str) -> None:
    session.backend.set_identity(module="b")
    other.backend.set_identity(module="a")
    assert session.rows("select module from v$session where username = :1 order by module", user) == [("a",), ("b",)]
    assert session.row(
        "select u.username, count(*) from gv$session s join all_users u on u.username = s.username "
        "where s.username = :1 and s.inst_id = 1 group by u.username having count(*) > 1",
        user,
    ) == (user, 2)


def test_editions(engine: Engine, session: Session, user: str) -> None:
    current = "sys_context('userenv', 'current_edition_name')"
    assert session.value(current) == "ORA$BASE"
    session.run("create edition spring")
    try:
        session.run("alter session set edition = spring")
        assert session.value(current) == session.value("sys_context('userenv', 'session_edition_name')") == "SPRING"
        with Session(engine.open(SessionIdentity(9100, 1, user, edition="SPRING"))) as another:
            assert another.value(current) == "SPRING"
        assert session.rows("select edition_name, parent_edition_name from all_editions order by edition_name") == [
            ("ORA$BASE", None),
            ("SPRING", "ORA$BASE"),
        ]
        with refused(955):
            session.run("create edition spring")
        with refused(38805):
            session.run("drop edition spring")
        with refused(3001, "views in an edition"):
            session.run("create view v as select 1 x from dual")
        session.run("create table t (x number)")
        session.run("insert into t values (1)")
        with refused(38814):
            session.run("alter session set edition = ora$base")
        session.run("rollback")
        session.run("alter session set edition = ora$base")
    finally:
        session.run("drop edition spring")
    for statement in ("alter session set edition = spring", "drop edition spring"):
        with refused(38802):
            session.run(statement)
    with refused(38802):
        engine.open(SessionIdentity(9101, 1, user, edition="SPRING"))


def test_the_current_schema(engine: Engine, session: Session, user: str) -> None:
    session.run("create table mine (x number)")
    engine.create_user("visitor")
    with Session(engine.open(SessionIdentity(79, 1, "visitor"))) as visitor:
        with refused(942):
            visitor.rows("select * from mine")
        assert visitor.rows(f"select * from {user}.mine") == []
        visitor.run(f"alter session set current_schema = {user}")
        assert visitor.rows("select * from mine") == []
        assert visitor.row("select user, sys_context('userenv', 'current_schema') from dual") == ("VISITOR", user)
        assert visitor.value("select schemaname from v$session where username = 'VISITOR'") == user
        visitor.backend.schema = "VISITOR"
        with refused(942):
            visitor.rows("select * from mine")
        with refused(1435):
            visitor.backend.schema = "NIX"
    engine.drop_user("visitor")


def test_errors_are_oracle_errors(engine: Engine) -> None:
    with (
        open_session(engine, 80) as session,
        pytest.raises(OracleError, match="^ORA-00942: table or view does not exist$"),
    ):
        session.rows("select * from nix")


def test_a_killed_owner_leaves_no_engine_behind() -> None:
    program = (
        "import os, sys; from orapool.sandbox.sql import Engine; e = Engine(None, []); e.start();"
        "print(e._process.pid, e._folder, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().decode().split()
        ended = os.pidfd_open(int(pid))
        owner.kill()
    try:
        assert select.select([ended], [], [], 10)[0]
    finally:
        os.close(ended)
    assert psutil.wait_procs(_watchers(folder), timeout=10)[1] == []
    assert not Path(folder).exists()


def _watchers(folder: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if folder in (process.info["cmdline"] or [])]
