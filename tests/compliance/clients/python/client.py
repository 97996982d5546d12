"""The checks with python-oracledb: what they have in common.

The program is given its task as a line of JSON, and tells what came of each check as a line of JSON too; a line with
"do" asks the runner for a fault, and waits for its answer.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys

import oracledb

TASK = json.loads(sys.stdin.readline())
CHECKS = {}
VERSION = tuple(int(part) for part in oracledb.__version__.split(".")[:2])

LONG = "Zürich 漢字 " * 200_000
LONG_BYTES = bytes(range(251)) * 7969


def check(function):
    CHECKS[function.__name__.rstrip("_")] = function
    return function


def tell(**what):
    print(json.dumps(what), flush=True)


def ask(name, *given):
    tell(do=name, **{"with": given})
    return json.loads(sys.stdin.readline())


def connect(**changes):
    given = {"user": TASK["user"], "password": TASK["password"], "dsn": TASK["dsn"], **changes}
    return oracledb.connect(**given)


@contextlib.contextmanager
def fails(pattern):
    try:
        yield
    except oracledb.Error as error:
        if not re.search(pattern, str(error), re.DOTALL):
            raise AssertionError(f"{error!r} and not {pattern}") from error
    else:
        raise AssertionError(f"no error, but {pattern} is due")


def same(found, expected):
    assert found == expected, f"{str(found)[:300]} and not {str(expected)[:300]}"


def rows(c, sql, binds=()):
    with c.cursor() as cursor:
        return cursor.execute(sql, binds).fetchall()


def value(c, sql, binds=()):
    return rows(c, sql, binds)[0][0]


def run(c, sql, binds=()):
    with c.cursor() as cursor:
        cursor.execute(sql, binds)
        return cursor.rowcount


def table(c, columns):
    name = f"t{next(NUMBERS)}"
    run(c, f"create table {name} ({columns})")
    return name


NUMBERS = iter(range(1, 10_000))


def there_and_back(c, kind, column, values, read=None, handler=None):
    name = table(c, f"id number, v {column}")
    with c.cursor() as cursor:
        for number, each in enumerate([*values, None]):
            cursor.setinputsizes(None, kind)
            cursor.execute(f"insert into {name} values (:1, :2)", [number, each])
        cursor.outputtypehandler = handler
        cursor.execute(f"select v from {name} order by id")
        same([row[0] for row in cursor], [*(values if read is None else read), None])


def as_type(kind):
    return lambda cursor, metadata: cursor.var(kind, arraysize=cursor.arraysize)


def directly(cursor, metadata):
    kinds = {
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }
    kind = kinds.get(metadata.type_code)
    return cursor.var(kind, arraysize=cursor.arraysize) if kind else None
