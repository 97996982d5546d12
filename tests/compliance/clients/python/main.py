"""Runs the checks with python-oracledb in thin mode, of any version: `python main.py FOLDER`, with the version in it.

It runs apart from orapool.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import sys
import traceback

sys.path.insert(0, sys.argv[1])

import oracledb
from client import CHECKS, TASK, VERSION, connect, tell

for module in ("sessions", "values", "statements", "results", "work"):
    importlib.import_module(module)

LEFT_OUT = {
    "boolean": "no type BOOLEAN in SQL before 23ai",
    "json": "no type JSON before 21c",
    "generated_rowid": "generated keys are JDBC's",
    "generated_keys": "generated keys are JDBC's",
}
if VERSION < (3, 0):
    LEFT_OUT["scrollable_cursor"] = "python-oracledb has no scrollable cursors in thin mode before 3.0"
    LEFT_OUT["pool_replaces_a_dead_session"] = "python-oracledb before 3.0 hands out sessions that have ended"
    LEFT_OUT["two_phase_commit"] = "python-oracledb has no two-phase commit in thin mode before 3.0"


def outcome(name):
    if name in LEFT_OUT:
        return {"result": "left out", "detail": LEFT_OUT[name]}
    if name not in CHECKS:
        return {"result": "fail", "detail": "not written"}
    faulthandler.dump_traceback_later(60, exit=True)
    c = connect()
    try:
        CHECKS[name](c)
    except Exception as error:
        detail = traceback.format_exc() if TASK["verbose"] else f"{type(error).__name__}: {error}"
        return {"result": "refused" if "ORA-03001" in str(error) else "fail", "detail": detail}
    finally:
        with contextlib.suppress(oracledb.Error):
            c.close()
        faulthandler.cancel_dump_traceback_later()
    return {"result": "pass"}


tell(client=f"python-oracledb {oracledb.__version__}")
for each in TASK["checks"]:
    tell(check=each, **outcome(each))
