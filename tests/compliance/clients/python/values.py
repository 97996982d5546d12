"""Values of all types, there and back."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

import oracledb
from client import as_type, check, directly, rows, run, same, table, there_and_back, value


# ---------------------------------------------------------------- types
@check
def number(c):
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number", [0, 1, -1, 0.5, -12345.678, 123456789012345, 10**20])


@check
def number_of_38_digits(c):
    values = [10**38 - 1, -12345678901234567890123456789012345678, Decimal("0.12345678901234567890123456789012345678")]
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number", [Decimal(each) for each in values], handler=exact)
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "number(38)", values[:2])


def exact(cursor, metadata):
    return cursor.var(Decimal, arraysize=cursor.arraysize)


@check
def number_bounds(c):
    with c.cursor() as cursor:
        cursor.outputtypehandler = as_type(str)
        found = cursor.execute("select 1e125, -1e125, 1e-120, 0.1 + 0.2, 1 / 3 from dual").fetchone()
    same([Decimal(each) for each in found[:4]], [Decimal(each) for each in ("1e125", "-1e125", "1e-120", "0.3")])
    assert re.fullmatch(r"0?\.3{38,40}", found[4]), found[4]


@check
def float_(c):
    there_and_back(c, oracledb.DB_TYPE_NUMBER, "float", [1.5, -0.1, 123456.789])


@check
def binary_float(c):
    there_and_back(c, oracledb.DB_TYPE_BINARY_FLOAT, "binary_float", [1.5, -0.25, 0.0, 2.0**100])


@check
def binary_double(c):
    there_and_back(c, oracledb.DB_TYPE_BINARY_DOUBLE, "binary_double", [0.1, -1e-300, 1.7976931348623157e308])


@check
def binary_nan_and_infinity(c):
    name = table(c, "v binary_double")
    with c.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_BINARY_DOUBLE)
        cursor.executemany(f"insert into {name} values (:1)", [(float(each),) for each in ("nan", "inf", "-inf")])
        same([repr(row[0]) for row in cursor.execute(f"select v from {name}")], ["nan", "inf", "-inf"])


@check
def char(c):
    there_and_back(c, oracledb.DB_TYPE_CHAR, "char(5)", ["abc", "abcde"], read=["abc  ", "abcde"])


@check
def varchar2(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "varchar2(50)", ["x", "Zürich", " y ", "it's"])


@check
def varchar2_beyond_the_bmp(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "varchar2(20 char)", ["😀", "a𝄞b", "漢字😀"])


@check
def nvarchar2(c):
    there_and_back(c, oracledb.DB_TYPE_NVARCHAR, "nvarchar2(50)", ["x", "漢字", "😀é"])


@check
def nchar(c):
    there_and_back(c, oracledb.DB_TYPE_NCHAR, "nchar(4)", ["é", "漢字漢字"], read=["é   ", "漢字漢字"])


@check
def raw(c):
    there_and_back(c, oracledb.DB_TYPE_RAW, "raw(300)", [bytes((0, 255, 7)), b"\1" * 300])


@check
def date(c):
    there_and_back(c, oracledb.DB_TYPE_DATE, "date", [datetime.datetime(2024, 2, 29, 23, 59, 58)])


@check
def date_bounds(c):
    values = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)]
    there_and_back(c, oracledb.DB_TYPE_DATE, "date", values)


@check
def timestamp(c):
    values = [datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789), datetime.datetime(1970, 1, 1)]
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP, "timestamp", values)


@check
def timestamp_with_nanoseconds(c):
    sql = "select to_char(cast(timestamp '2024-02-29 01:02:03.123456' as timestamp(9)), 'FF9') from dual"
    same(value(c, sql), "123456000")


@check
def timestamp_with_time_zone(c):
    at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP_TZ, "timestamp with time zone", [at])


@check
def timestamp_with_local_time_zone(c):
    at = datetime.datetime(2024, 2, 29, 1, 2, 3, 456_789)
    there_and_back(c, oracledb.DB_TYPE_TIMESTAMP_LTZ, "timestamp with local time zone", [at])


@check
def interval_day_to_second(c):
    of = datetime.timedelta
    values = [of(days=11, hours=10, minutes=9, seconds=8, microseconds=555), -of(days=1, hours=2, minutes=3, seconds=4)]
    there_and_back(c, oracledb.DB_TYPE_INTERVAL_DS, "interval day(9) to second(9)", values)


@check
def interval_year_to_month(c):
    values = [oracledb.IntervalYM(10, 9), oracledb.IntervalYM(-1, -2)]
    there_and_back(c, oracledb.DB_TYPE_INTERVAL_YM, "interval year(4) to month", values)


@check
def clob(c):
    there_and_back(c, oracledb.DB_TYPE_VARCHAR, "clob", ["x", "Zürich 😀", "y" * 5000], handler=directly)


@check
def nclob(c):
    there_and_back(c, oracledb.DB_TYPE_NVARCHAR, "nclob", ["x", "漢字 😀"], handler=directly)


@check
def blob(c):
    there_and_back(c, oracledb.DB_TYPE_RAW, "blob", [b"\0\xff", b"\7" * 5000], handler=directly)


@check
def rowid(c):
    name = table(c, "v number")
    run(c, f"insert into {name} values (7)")
    row = value(c, f"select rowid from {name}")
    assert re.fullmatch("[A-Za-z0-9+/]{18}", row), row
    same(value(c, f"select v from {name} where rowid = :1", [row]), 7)


@check
def last_rowid(c):
    name = table(c, "v number")
    with c.cursor() as cursor:
        cursor.execute(f"insert into {name} values (8)")
        same(value(c, f"select v from {name} where rowid = :1", [cursor.lastrowid]), 8)


@check
def null(c):
    same(rows(c, "select null, cast(null as number), nvl(:1, 'none') from dual", [None]), [(None, None, "none")])


@check
def empty_string(c):
    name = table(c, "v varchar2(10)")
    run(c, f"insert into {name} values (:1)", [""])
    same(rows(c, f"select v, nvl(v, 'null') from {name}"), [(None, "null")])


@check
def description(c):
    columns = "a number(9,2) not null, b varchar2(30), c date, d timestamp(3), e clob, f raw(16), g number"
    name = table(c, columns + ", h char(3 char), i blob")
    with c.cursor() as cursor:
        found = cursor.execute(f"select * from {name}").description
    same([column[0] for column in found], list("ABCDEFGHI"))
    same(
        [column[1].name.replace("DB_TYPE_", "") for column in found],
        ["NUMBER", "VARCHAR", "DATE", "TIMESTAMP", "CLOB", "RAW", "NUMBER", "CHAR", "BLOB"],
    )
    same([tuple(found[0])[4:7], tuple(found[6])[4:7]], [(9, 2, False), (0, -127, True)])
    same([found[1][3], found[5][3]], [30, 16])
