"""`benchmarks/dataframes_write.py`: its counts are exact, its times are those of this machine."""

from __future__ import annotations

import pytest

from benchmarks import dataframes_write
from orapool.sandbox import Sandbox


@pytest.mark.parametrize("contender", list(dataframes_write.CONTENDERS))
def test_every_contender_writes_all_rows(driver: str, sandbox: Sandbox, contender: str) -> None:
    (cost,) = dataframes_write.compare(sandbox, driver, [contender], rows=300)[contender]

    assert cost.failure == ""
    assert cost.written == 300
