"""The formats of dates and times that a session sets, which what has no format of its own is written and read by."""

from __future__ import annotations

import re

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.dialect import unsupported

_OF_DATES, _WITH_ZONE = "NLS_DATE_FORMAT", "NLS_TIMESTAMP_TZ_FORMAT"
FORMATS = (_OF_DATES, "NLS_TIMESTAMP_FORMAT", _WITH_ZONE)
"""Parameters that hold one."""

# Elements that mean the same to PostgreSQL once functions.sql has spelled them its way, the longest first.
_PLAIN = """
A.D. A.M. AD AM B.C. BC CC D DAY DD DDD DY HH HH12 HH24 IW J MI MM MON MONTH P.M. PM Q RR RRRR SS SSSSS W WW Y YY YYY
YYYY TZH TZM TZR FF FF1 FF2 FF3 FF4 FF5 FF6 XFF XFF1 XFF2 XFF3 XFF4 XFF5 XFF6
"""
_SAME = frozenset(_PLAIN.split())
# What Oracle has besides.
_MORE = "SYYYY SYEAR YEAR IYYY IYY IY I FX FM DL DS TS TZD EE E RM SCC FF7 FF8 FF9 X SP TH"
_OTHERS = frozenset(_MORE.split())

_ELEMENT = re.compile(
    "|".join(re.escape(word) for word in sorted(_SAME | _OTHERS, key=len, reverse=True))
    + r"""|[\s!#-/:-@\[-`{-~]|"[^"]*\"""",
    re.IGNORECASE,
)
# What functions.sql spells otherwise, wherever it stands.
_SPELLED = re.compile("RR|FF|TZR")


def check_format(name: str, text: str) -> None:
    """Raise an OracleError where a format cannot be followed to the letter.

    Raises:
        OracleError: ORA-01821 for what is no format, ORA-03001 for an element that the sandbox does not have.
    """
    at = 0
    while at < len(text):
        found = _ELEMENT.match(text, at)
        if found is None:
            raise OracleError(1821, "date format not recognized")
        element = found.group().upper()
        if element in _OTHERS or (element[0] == '"' and _SPELLED.search(element)):
            raise unsupported(f"{found.group()} in {name}")
        if (element[:2] == "TZ" and name != _WITH_ZONE) or (element.startswith(("FF", "XFF")) and name == _OF_DATES):
            raise OracleError(1821, "date format not recognized")
        at = found.end()
    if not text:
        raise OracleError(1821, "date format not recognized")
