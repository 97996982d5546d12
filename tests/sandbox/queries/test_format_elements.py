"""What each element of a format writes and reads, by the tables of Oracle's SQL Language Reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.queries.conftest import Rows

D, N, M = "date '2024-02-29'", "date '1998-01-03'", "timestamp '2024-11-05 13:04:09.123456'"
DATES = [
    # Years
    (D, "YYYY YYY YY Y", "2024 024 24 4"),
    (D, "RRRR RR", "2024 24"),
    (D, "Y,YYY", "2,024"),
    (D, "SYYYY", " 2024"),
    (D, "fmSYYYY", "2024"),
    ("date '-0044-03-15'", "SYYYY YYYY BC", "-0044 0044 BC"),
    ("date '-0044-03-15'", "fmSYYYY b.c. SCC", "-44 b.c. -1"),
    (D, "AD bc A.D. b.c.", "AD ad A.D. a.d."),
    (D, "CC SCC", "21  21"),
    ("date '2000-12-31'", "CC", "20"),
    ("date '2001-01-01'", "CC", "21"),
    ("date '1998-06-01'", "YEAR", "NINETEEN NINETY-EIGHT"),
    ("date '1998-06-01'", "Year", "Nineteen Ninety-Eight"),
    ("date '1998-06-01'", "year", "nineteen ninety-eight"),
    (D, "YEAR", "TWENTY TWENTY-FOUR"),
    (D, "SYEAR", " TWENTY TWENTY-FOUR"),
    ("date '2000-01-01'", "YEAR", "TWO THOUSAND"),
    ("date '2008-01-01'", "Year", "Two Thousand Eight"),
    ("date '1900-01-01'", "YEAR", "NINETEEN HUNDRED"),
    ("date '1815-01-01'", "YEAR", "EIGHTEEN FIFTEEN"),
    ("date '2020-01-01'", "YEAR", "TWENTY TWENTY"),
    # The year of ISO weeks
    ("date '2024-12-30'", "IYYY-IW", "2025-01"),
    ("date '2021-01-03'", "IYYY IYY IY I IW", "2020 020 20 0 53"),
    ("date '2024-12-30'", "WW W", "53 5"),
    (D, "WW W IW Q", "09 5 09 1"),
    (M, "Q WW", "4 45"),
    ("date '2024-01-07'", "WW W D", "01 1 1"),
    ("date '2024-01-08'", "WW W D", "02 2 2"),
    # Months and days
    (D, "MM MON Mon mon", "02 FEB Feb feb"),
    (D, "MONTH|Month|month", "FEBRUARY |February |february "),
    (D, "fmMONTH|Month", "FEBRUARY|February"),
    ("date '2024-09-01'", "MONTH|", "SEPTEMBER|"),
    (D, "RM|", "II  |"),
    (D, "fmRM|rm", "II|ii"),
    ("date '2024-08-01'", "RM|rm|", "VIII|viii|"),
    (D, "DD DDD D", "29 060 5"),
    (N, "DD DDD", "03 003"),
    (N, "fmDD DDD MM", "3 3 1"),
    (D, "DAY|Day|day|", "THURSDAY |Thursday |thursday |"),
    (D, "DY Dy dy", "THU Thu thu"),
    (D, "fmDay|", "Thursday|"),
    (D, "J", "2460370"),
    ("date '0001-01-01'", "J", "1721424"),
    ("date '1582-10-04'", "J", "2299160"),
    ("date '1582-10-15'", "J", "2299161"),
    ("to_date('1721424', 'J')", "YYYY-MM-DD", "0001-01-01"),
    ("to_date('2299160', 'J')", "YYYY-MM-DD", "1582-10-04"),
    ("to_date('1', 'J')", "J JSPTH", "0000001 FIRST"),
    # Times
    (M, "HH24 HH12 HH MI SS SSSSS", "13 01 01 04 09 47049"),
    (M, "fmHH24:MI:SS SSSSS", "13:4:9 47049"),
    (M, "AM am A.M. p.m.", "PM pm P.M. p.m."),
    (D, "HH12 HH24 AM SSSSS", "12 00 AM 00000"),
    (D, "fmSSSSS", "0"),
    (M, "SSXFF SS.FF3 FF1 FF2 FF6 FF9", "09.123456 09.123 1 12 123456 123456000"),
    (M, "TS", "1:04:09 PM"),
    (D, "TS", "12:00:00 AM"),
    (M, "DS DL", "11/5/2024 Tuesday, November 5, 2024"),
    (D, "DL TS", "Thursday, February 29, 2024 12:00:00 AM"),
    ("timestamp '2024-01-02 03:04:05 +02:00'", "HH24:MI TZH:TZM", "01:04 +00:00"),
    # Suffixes, in the case of their element
    (N, "DDTH ddth DDth ddTH Ddth", "03RD 03rd 03RD 03rd 03rd"),
    (N, "fmDDTH fmDDTH", "3RD 03RD"),
    (D, "DDTH", "29TH"),
    ("date '2024-02-11'", "DDTH", "11TH"),
    ("date '2024-02-12'", "ddth", "12th"),
    ("date '2024-02-13'", "DDTH", "13TH"),
    ("date '2024-02-21'", "DDTH", "21ST"),
    ("date '2024-02-22'", "DDTH", "22ND"),
    ("date '2024-04-20'", "DDDTH", "111TH"),
    ("date '2024-02-20'", "DDSPTH", "TWENTIETH"),
    ("date '2024-02-21'", "DDSPTH", "TWENTY-FIRST"),
    (N, "DDSP Ddsp ddsp", "THREE Three three"),
    (N, "DDSPTH Ddspth ddthsp", "THIRD Third third"),
    (D, "DDSP DDSPTH", "TWENTY-NINE TWENTY-NINTH"),
    (D, "DDDSP", "SIXTY"),
    (D, "MMSP MMTHSP QSP", "TWO SECOND ONE"),
    (D, "YYYYSP", "TWO THOUSAND TWENTY-FOUR"),
    (D, "Yyyyspth", "Two Thousand Twenty-Fourth"),
    (D, "YYYYTH YYSP", "2024TH TWENTY-FOUR"),
    (M, "HH24SP MISP SSSP", "THIRTEEN FOUR NINE"),
    (M, "HH12SPTH MISPTH SSSPTH", "FIRST FOURTH NINTH"),
    (D, "HH24SP misp ssspth", "ZERO zero zeroeth"),
    ("date '2024-12-08'", "DDSPTH", "EIGHTH"),
    ("date '2024-12-05'", "DDSPTH", "FIFTH"),
    ("date '2024-12-12'", "DDSPTH", "TWELFTH"),
    ("date '2024-12-30'", "Ddspth", "Thirtieth"),
    ("to_date('5373484', 'J')", "JSP",
     "FIVE MILLION THREE HUNDRED SEVENTY-THREE THOUSAND FOUR HUNDRED EIGHTY-FOUR"),
    ("to_date('4321', 'J')", "Jsp", "Four Thousand Three Hundred Twenty-One"),
    ("to_date('1000000', 'J')", "jspth", "one millionth"),
    ("to_date('100', 'J')", "JSPTH", "ONE HUNDREDTH"),
    ("to_date('1012', 'J')", "JSP", "ONE THOUSAND TWELVE"),
    # What is reproduced, and what fills
    (D, "YYYYMMDD_HH24MISS", "20240229_000000"),
    (D, "(YYYY)*MM|DD=#!", "(2024)*02|29=#!"),
    (D, '"Day" DD "of" Month "\\"', 'Day 29 of February  \\'),
    (D, "\"it's \"YYYY", "it's 2024"),
    (N, "fmDD/MM fmDD/MM", "3/1 03/01"),
    (N, "fmDay, fmDD fmMonth", "Saturday, 03 January"),
    (M, "FXYYYY-MM-DD", "2024-11-05"),
    (D, "DDMMYYYYHH24MISS", "29022024000000"),
]  # fmt: skip

READ = [
    ("'2460370', 'J'", "2024-02-29 00:00:00"),
    ("'060 2024', 'DDD YYYY'", "2024-02-29 00:00:00"),
    ("'366 2024', 'DDD YYYY'", "2024-12-31 00:00:00"),
    ("'2024-02-29 47049', 'YYYY-MM-DD SSSSS'", "2024-02-29 13:04:09"),
    ("'2024-02-29 47049 13:04:09', 'YYYY-MM-DD SSSSS HH24:MI:SS'", "2024-02-29 13:04:09"),
    ("'49-01-01', 'RR-MM-DD'", "2049-01-01 00:00:00"),
    ("'50-01-01', 'RR-MM-DD'", "1950-01-01 00:00:00"),
    ("'1850-01-01', 'RR-MM-DD'", "1850-01-01 00:00:00"),
    ("'98-01-01', 'RRRR-MM-DD'", "1998-01-01 00:00:00"),
    ("'1998-01-01', 'RRRR-MM-DD'", "1998-01-01 00:00:00"),
    ("'2,024-02-29', 'Y,YYY-MM-DD'", "2024-02-29 00:00:00"),
    ("'+2024-02-29', 'SYYYY-MM-DD'", "2024-02-29 00:00:00"),
    ("'2024 VIII 09', 'YYYY RM DD'", "2024-08-09 00:00:00"),
    ("'29-FEBRUARY-2024', 'DD-MON-YYYY'", "2024-02-29 00:00:00"),
    ("'29/feb/2024', 'DD-MONTH-YYYY'", "2024-02-29 00:00:00"),
    ("'2/29/2024', 'DS'", "2024-02-29 00:00:00"),
    ("'Thursday, February 29, 2024', 'DL'", "2024-02-29 00:00:00"),
    ("'2/29/2024 1:04:09 PM', 'DS TS'", "2024-02-29 13:04:09"),
    ("'20240229_130409', 'YYYYMMDD_HH24MISS'", "2024-02-29 13:04:09"),
    ("'20240229130409', 'YYYYMMDDHH24MISS'", "2024-02-29 13:04:09"),
    ("'12:00 AM 2024-02-29', 'HH:MI AM YYYY-MM-DD'", "2024-02-29 00:00:00"),
    ("'12.30 p.m. 29.02.2024', 'HH.MI A.M. DD.MM.YYYY'", "2024-02-29 12:30:00"),
    ("'THU 29 02 2024', 'DY DD MM YYYY'", "2024-02-29 00:00:00"),
    ("'2024-2-9 1:2:3', 'YYYY-MM-DD HH24:MI:SS'", "2024-02-09 01:02:03"),
    ("'2024-02-09T01:02:03', 'YYYY-MM-DD\"T\"HH24:MI:SS'", "2024-02-09 01:02:03"),
    ("'29.02.2024', 'DD.MM.YYYY', 'NLS_DATE_LANGUAGE = American'", "2024-02-29 00:00:00"),
]  # fmt: skip

NUMBERS = [
    # The table of Oracle's manual
    ("-1234567890", "9999999999S", "1234567890-"),
    ("0", "99.99", "   .00"),
    ("0.1", "99.99", "   .10"),
    ("-0.2", "99.99", "  -.20"),
    ("0", "90.99", "  0.00"),
    ("0.1", "90.99", "  0.10"),
    ("-0.2", "90.99", " -0.20"),
    ("0", "9999", "    0"),
    ("1", "9999", "    1"),
    ("0", "B9999", "     "),
    ("1", "B9999", "    1"),
    ("0", "B90.99", "      "),
    ("123.456", "999.999", " 123.456"),
    ("-123.456", "999.999", "-123.456"),
    ("123.456", "FM999.009", "123.456"),
    ("123.456", "9.9EEEE", " 1.2E+02"),
    ("1E+123", "9.9EEEE", " 1.0E+123"),
    ("123.456", "FM9.9EEEE", "1.2E+02"),
    ("123.45", "FM999.009", "123.45"),
    ("123.0", "FM999.009", "123.00"),
    ("123.45", "L999.99", "          $123.45"),
    ("123.45", "FML999.99", "$123.45"),
    ("1234567890", "9999999999S", "1234567890+"),
    # Digits, groups and the point
    ("1234.567", "9,999.99", " 1,234.57"),
    ("12", "9,999", "    12"),
    ("12", "0,000", " 0,012"),
    ("1234567", "9G999G999D99", " 1,234,567.00"),
    ("5", "9990", "    5"),
    ("5", "0999", " 0005"),
    ("5", "9099", "  005"),
    ("1000", "999", "####"),
    ("-1000", "999.9", "######"),
    ("999.95", "999.9", "######"),
    ("1000", "FM999", "####"),
    ("0.5", "9", " 1"),
    ("2.5", "9", " 3"),
    ("-2.5", "9", "-3"),
    ("0.25", "9.9", "  .3"),
    ("0", "9.", " 0."),
    ("12", "99.", " 12."),
    ("0", "FM999.99", "0."),
    ("12", "FM999.99", "12."),
    ("0.5", "FM999.99", ".5"),
    ("12.50", "FM999.90", "12.50"),
    ("12.5", "FM990.099", "12.5"),
    ("7", "FM000", "007"),
    ("1234.5", "FM9,999,999.00", "1,234.50"),
    ("-7", "FM9999", "-7"),
    ("0.12345", ".999", " .123"),
    ("0.12345", "FM.99999", ".12345"),
    # Signs
    ("-5", "999MI", "  5-"),
    ("5", "999MI", "  5 "),
    ("5", "FM999MI", "5"),
    ("-5", "FM999MI", "5-"),
    ("-5", "999PR", "  <5>"),
    ("5", "999PR", "   5 "),
    ("5", "FM999PR", "5"),
    ("-5", "FM999PR", "<5>"),
    ("5", "S999", "  +5"),
    ("-5", "S999", "  -5"),
    ("0", "S999", "  +0"),
    ("5", "999S", "  5+"),
    ("-5.5", "FMS99.9", "-5.5"),
    # Currencies
    ("12.3", "$99.9", " $12.3"),
    ("1.2", "$999.9", "   $1.2"),
    ("-12.3", "$99.9", "-$12.3"),
    ("12.3", "FM$99.99", "$12.3"),
    ("1234.5", "$9,999.00", " $1,234.50"),
    ("-7", "FMC99", "-USD7"),
    ("7", "C99", "      USD7"),
    ("12", "FMU99", "$12"),
    ("12345", "$999", "#####"),
    ("-5", "$99MI", " $5-"),
    ("-5", "$99PR", " <$5>"),
    # Powers, exponents, Roman and hexadecimal numbers, the fewest characters
    ("12.34", "99V99", " 1234"),
    ("12", "99V9", " 120"),
    ("12.345", "999V99", "  1235"),
    ("0.001234", "9.99EEEE", " 1.23E-03"),
    ("-0.001234", "9.99EEEE", "-1.23E-03"),
    ("0", "9.9EEEE", " 0.0E+00"),
    ("9.96", "9.9EEEE", " 1.0E+01"),
    ("12345", "9EEEE", " 1E+04"),
    ("1994", "RN", "        MCMXCIV"),
    ("4", "rn", "             iv"),
    ("3999", "FMRN", "MMMCMXCIX"),
    ("4000", "RN", "#" * 15),
    ("0", "FMRN", "#" * 15),
    ("255", "XX", " FF"),
    ("255", "xxxx", "   ff"),
    ("255", "0XXX", " 00FF"),
    ("255", "FM0xxx", "00ff"),
    ("256", "XX", "###"),
    ("-1", "XX", "###"),
    ("18446744073709551616", "FMXXXXXXXXXXXXXXXXX", "10000000000000000"),
    ("1234.5600", "TM", "1234.56"),
    ("0.5", "TM9", ".5"),
    ("1234.56", "TME", "1.23456E+03"),
    ("-0.00012", "tme", "-1.2E-04"),
    ("1e70", "TM", "1E+70"),
    ("to_binary_double('1.5')", "9.99", " 1.50"),
    ("'12.5'", "99.99", " 12.50"),
    ("null", "99.99", None),
    # By other characters of the session's country
    ("1234.5", "9G999D9', 'NLS_NUMERIC_CHARACTERS = '',.''", " 1.234,5"),
    ("1234.5", "FML9G999D9', 'nls_numeric_characters = '', '' nls_currency = ''EUR''", "EUR1 234,5"),
]  # fmt: skip

NUMBERS_READ = [
    ("'1,234.50', '9G999D99'", 1234.5),
    ("'$1,234', '$9,999'", 1234),
    ("'USD12', 'C99'", 12),
    ("'EUR12', 'L99', 'NLS_CURRENCY = ''EUR'''", 12),
    ("'1.234,5', '9G999D9', 'NLS_NUMERIC_CHARACTERS = '',.'''", 1234.5),
    ("'12-', '99MI'", -12),
    ("'-12', 'S99'", -12),
    ("'12-', '99S'", -12),
    ("'<12>', '99PR'", -12),
    ("'1.5E+03', '9.9EEEE'", 1500),
    ("'ff', 'XX'", 255),
    ("'FFFFFFFFFFFFFFFF', 'XXXXXXXXXXXXXXXX'", 18446744073709551615),
    ("'007', '000'", 7),
    ("'.5', '0.9'", 0.5),
    ("' 12 ', '99'", 12),
]


def selected(rows: Rows, expressions: list[str]) -> list[Any]:
    (row,) = rows(f"select {', '.join(expressions)} from dual")
    return list(row)


def test_dates_are_written(rows: Rows) -> None:
    quoted = [(value, element.replace("'", "''")) for value, element, _ in DATES]
    found = selected(rows, [f"to_char({value}, '{element}')" for value, element in quoted])
    assert [(*case[:2], text) for case, text in zip(DATES, found)] == DATES


def test_dates_are_read(rows: Rows) -> None:
    found = selected(rows, [f"to_char(to_date({each}), 'YYYY-MM-DD HH24:MI:SS')" for each, _ in READ])
    assert [(each, text) for (each, _), text in zip(READ, found)] == READ


def test_numbers_are_written(rows: Rows) -> None:
    found = selected(rows, [f"to_char({value}, '{element}')" for value, element, _ in NUMBERS_QUOTED])
    assert [(*case[:2], text) for case, text in zip(NUMBERS_QUOTED, found)] == NUMBERS_QUOTED


# The parameters of a call stand behind the format, and have a quote of their own at the end.
NUMBERS_QUOTED = [(value, element.rstrip("'") + "''" if "nls" in element.lower() else element, text)
                  for value, element, text in NUMBERS]  # fmt: skip


def test_numbers_are_read(rows: Rows) -> None:
    found = selected(rows, [f"to_number({each})" for each, _ in NUMBERS_READ])
    assert [(each, value) for (each, _), value in zip(NUMBERS_READ, found)] == NUMBERS_READ


ERRORS = [
    # What is no element, or not of a DATE
    ("to_char(sysdate, 'YYYY-MM-DDTHH24:MI:SS')", 1821),
    ("to_char(sysdate, 'foo')", 1821),
    ("to_char(sysdate, 'MONTHSP')", 1821),
    ("to_char(sysdate, 'YEARTH')", 1821),
    ("to_char(sysdate, 'SSXFF')", 1821),
    ("to_char(sysdate, 'FF3')", 1821),
    ("to_char(sysdate, 'TZR')", 1821),
    ("to_date('1.5', 'SS.FF')", 1821),
    ("to_char(sysdate, 'EE')", 3001),
    ("to_char(systimestamp, 'TZD')", 3001),
    ("to_char(date '1905-01-01', 'YEAR')", 3001),
    ("to_char(date '0044-01-01', 'YEAR')", 3001),
    ("to_char(date '2024-01-01', 'MITH')", 1877),
    # What is not for reading, twice, or in contradiction
    ("to_date('2024', 'YEAR')", 1820),
    ("to_date('29TH', 'DDTH')", 1820),
    ("to_date('9', 'WW')", 1820),
    ("to_date('21', 'CC')", 1820),
    ("to_date('2024-01-01 10:11:12', 'YYYY-MM-DD HH24:MM:SS')", 1810),
    ("to_date('2024 24', 'YYYY YY')", 1812),
    ("to_date('10 10', 'HH24 HH')", 1813),
    ("to_date('1 JAN', 'MM MON')", 1816),
    ("to_date('MON Monday', 'DY DAY')", 1817),
    ("to_date('AM P.M.', 'AM P.M.')", 1814),
    ("to_date('13 PM', 'HH24 AM')", 1818),
    ("to_date('-44 BC', 'SYYYY BC')", 1819),
    ("to_date('1 1', 'J DDD')", 1811),
    ("to_date('0', 'J')", 1854),
    ("to_date('5373485', 'J')", 1854),
    ("to_date('2460370 2023', 'J YYYY')", 1831),
    ("to_date('060 2024 03', 'DDD YYYY MM')", 1833),
    ("to_date('060 2024 28', 'DDD YYYY DD')", 1834),
    ("to_date('366 2023', 'DDD YYYY')", 1848),
    ("to_date('86400', 'SSSSS')", 1853),
    ("to_date('47049 12', 'SSSSS HH24')", 1836),
    ("to_date('47049 05', 'SSSSS MI')", 1837),
    ("to_date('47049 08', 'SSSSS SS')", 1838),
    ("to_date('1', 'MM', 'NLS_DATE_LANGUAGE = german')", 3001),
    ("to_date('1', 'MM', 'nonsense')", 12702),
    # Numbers
    ("to_char(1, 'abc')", 1481),
    ("to_char('2024-02-29', 'YYYY')", 1722),
    ("to_char(1, '9.9.9')", 1481),
    ("to_char(1, ',999')", 1481),
    ("to_char(1, '9.9,9')", 1481),
    ("to_char(1, '9G999.9')", 1481),
    ("to_char(1, 'S99MI')", 1481),
    ("to_char(1, '99MIPR')", 1481),
    ("to_char(1, '$L99')", 1481),
    ("to_char(1, '$')", 1481),
    ("to_char(1, '9V9.9')", 1481),
    ("to_char(1, '9,9EEEE')", 1481),
    ("to_char(12, '99.9EEEE')", 3001),
    ("to_char(1, '9', 'NLS_TERRITORY = GERMANY')", 12702),
    ("to_char(1, '9D9', 'NLS_NUMERIC_CHARACTERS = ''..''')", 12702),
    ("to_number('12', '9V9')", 1481),
    ("to_number('1.5', '99')", 1722),
    ("to_number('12x', '99')", 1722),
    ("to_number('123', 'XX')", 1722),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "code"), ERRORS)
def test_error(rows: Rows, dbapi: Any, expression: str, code: int) -> None:
    with pytest.raises(dbapi.DatabaseError, match=f"ORA-{code:05}"):
        rows(f"select {expression} from dual")
