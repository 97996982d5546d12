"""The formats of TO_CHAR, TO_DATE, TO_TIMESTAMP and TO_NUMBER, regular expressions, and functions of dates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

DAY, MOMENT = "date '2024-02-29'", "timestamp '2024-02-09 01:02:03.123456'"
VALUES: list[tuple[str, Any]] = [
    (f"to_char({DAY}, 'Day')", "Thursday "),
    (f"to_char({DAY}, 'fmDay, DD Month YYYY')", "Thursday, 29 February 2024"),
    (f"to_char({MOMENT}, 'fmDD/MM fmDD/MM')", "9/2 09/02"),
    (f"to_char({DAY}, 'DAY MON mon Dy')", "THURSDAY  FEB feb Thu"),
    (f"to_char({DAY}, 'Q WW IW DDD D J')", "1 09 09 060 5 2460370"),
    (f"to_char({DAY}, 'YYYY\"T\"HH24:MI:SS')", "2024T00:00:00"),
    (f"to_char({DAY}, 'DDTH ddth RM')", "29TH 29th II  "),
    (f"to_char({MOMENT}, 'HH:MI am SSSSS')", "01:02 am 03723"),
    (f"to_char({MOMENT}, 'FF3 SS.FF1 FF9 HH24:MI:SSXFF')", "123 03.1 123456000 01:02:03.123456"),
    ("to_char(to_date('29-02-2024', 'DD/MM/YYYY'), 'YYYYMMDD')", "20240229"),
    ("to_char(to_date('20240229', 'YYYY-MM-DD'), 'YYYYMMDD')", "20240229"),
    ("to_char(to_date('29-feb-24'), 'YYYYMMDD')", "20240229"),
    ("to_char(to_date('29 February 2024 01:05 PM', 'DD MON YYYY HH:MI AM'), 'YYYYMMDD HH24MI')", "20240229 1305"),
    ("to_char(to_date('49-1-2', 'RR-MM-DD'), 'YYYY') || to_char(to_date('50-1-2', 'RR-MM-DD'), 'YYYY')", "20491950"),
    ("to_char(to_date('2024-02-29', 'YYYY-MM-DD HH24:MI:SS'), 'HH24MISS')", "000000"),
    ("to_char(to_date('060 2024', 'DDD YYYY'), 'MMDD')", "0229"),
    ("to_char(to_timestamp('2024-01-01 10:11:12,123', 'YYYY-MM-DD HH24:MI:SSXFF'), 'SSFF3')", "12123"),
    ("to_char(to_timestamp_tz('2024-01-01 10:11 +02:30', 'YYYY-MM-DD HH24:MI TZH:TZM'), 'HH24:MI')", "07:41"),
    ("to_char(to_date('12', 'MM'), 'MMDD')", "1201"),
    ("to_char(1234.5, '9,999.99')", " 1,234.50"),
    ("to_char(123456, '999')", "####"),
    ("to_char(-1, 'S999') || to_char(5, '999MI') || to_char(-5, '999PR')", "  -1  5   <5>"),
    ("to_char(1, 'fm000') || to_char(12.3, '$99.9') || to_char(-12.3, '$99.9')", "001 $12.3-$12.3"),
    ("to_char(255, 'XX') || to_char(255, 'fmxxx') || to_char(4, 'fmRN') || to_char(1.50, 'TM')", " FFffIV1.5"),
    ("to_char(interval '1 2:3:4.5' day to second)", "+01 02:03:04.500000"),
    ("to_char(interval '-1-2' year to month)", "-01-02"),
    ("to_number('1,234.5', '9,999.9') + to_number('$12', '$99') + to_number('FF', 'XX')", 1501.5),
    ("to_number('12-', '99MI') + to_number('<3>', '9PR')", -15),
    ("regexp_replace('a.b' || chr(10) || 'c', '.', 'x')", "xxx\nx"),
    ("regexp_replace('a.b' || chr(10) || 'c', '.', 'x', 1, 0, 'n')", "xxxxx"),
    ("regexp_replace('John Smith', '(\\w+) (\\w+)', '\\2, \\1')", "Smith, John"),
    ("regexp_replace('abcabc', 'b', 'X', 1, 2)", "abcaXc"),
    ("regexp_substr('foo=bar', '(\\w+)=(\\w+)', 1, 1, 'i', 2)", "bar"),
    ("regexp_instr('abcabc', 'b', 1, 2) * 10 + regexp_count('abcABC', 'b', 1, 'i')", 52),
    (f"to_char(trunc({DAY}, 'IW'), 'MMDD') || to_char(trunc({DAY}, 'W'), 'MMDD') || to_char(round({DAY}, 'Q'), 'MMDD')",
     "022602290401"),
    ("to_char(numtoyminterval(14, 'MONTH')) || to_char(to_yminterval('-1-2'))", "+01-02-01-02"),
    ("width_bucket(5, 0, 10, 5) || unistr('\\00e9')", "3é"),
    # No text of no length is anything but NULL.
    ("coalesce('', to_char(''), trim('  '), replace('a', 'a'), substr('a', 2), ltrim('a', 'a'), '' || '', 'x')", "x"),
    ("nvl2('', 1, 2) + decode('', null, 10, 20) + case when '' is null then 100 end", 112),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_value(rows: Rows, expression: str, expected: Any) -> None:
    assert rows(f"select {expression} from dual") == [(expected,)]


ERRORS = [
    ("to_char(sysdate, 'foo')", 1821),
    ("to_char(sysdate, 'YYYY \"open')", 1821),
    ("to_date('2024-02-30', 'YYYY-MM-DD')", 1839),
    ("to_date('2024-13-01', 'YYYY-MM-DD')", 1843),
    ("to_date('32', 'DD')", 1847),
    ("to_date('24', 'HH24')", 1850),
    ("to_date('13', 'HH')", 1849),
    ("to_date('61', 'MI')", 1851),
    ("to_date('abc', 'YYYY')", 1858),
    ("to_date('2024', 'YYYY-MM-DD')", 1840),
    ("to_date('2024-01-01x', 'YYYY-MM-DD')", 1830),
    ("to_date('Moo 2024', 'MON YYYY')", 1843),
    ("to_date('1', 'Q')", 1820),
    ("to_date('Friday 2024-02-29', 'DAY YYYY-MM-DD')", 1835),
    ("to_date('2024x01', 'YYYY\"y\"MM')", 1861),
    ("to_timestamp('2024-01-01 00:00:00.123456789', 'YYYY-MM-DD HH24:MI:SS.FF9')", 3001),
    ("timestamp '2024-01-01 00:00:00.123456789'", 3001),
    ("to_char(1, '9a9')", 1481),
    ("to_number('abc')", 1722),
    ("to_number('1234', '999')", 1722),
    ("to_number('1,2', '99')", 1722),
    ("regexp_count('a', 'a', 1, 'q')", 1760),
    ("to_yminterval('14')", 1867),
    ("current_timestamp at time zone 'Nowhere/None'", 1882),
]


@pytest.mark.parametrize(("expression", "code"), ERRORS)
def test_error(rows: Rows, dbapi: Any, expression: str, code: int) -> None:
    with pytest.raises(dbapi.DatabaseError, match=f"ORA-{code:05}"):
        rows(f"select {expression} from dual")
