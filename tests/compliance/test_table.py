"""The table of what other clients find."""

from __future__ import annotations

from tests.compliance.table import Found, render

REASONS = {"test_long": "names are long"}


def test_a_row_for_each_client() -> None:
    one = Found("a suite 1.0", "driver 2.0", 1999, REASONS, {}, 12, ["no type TIME"])
    other = Found("checks", "client 3.0", 5, REASONS, {"test_it": "unlike Oracle"})
    text = render([one, other])
    assert "| a suite 1.0 | driver 2.0 | 1999 | 1 | 0 | 99.9 % | 12 |" in text
    assert "| checks | client 3.0 | 5 | 1 | 1 | 71.4 % | 0 |" in text
    assert "- `test_long`: names are long (driver 2.0, client 3.0)" in text
    assert "- `test_it`: unlike Oracle (client 3.0)" in text
    assert "- no type TIME" in text


def test_nothing_failed() -> None:
    assert "## Failed\n\nNone." in render([Found("checks", "client", 1)])
