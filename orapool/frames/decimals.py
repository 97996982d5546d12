"""Decimal types of Arrow's that hold all numbers of a column that has no scale of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow

from orapool.errors import PrecisionLoss

_DECIMAL128, _DECIMAL256 = 38, 76


def widest(types: Sequence[pyarrow.DataType]) -> pyarrow.DataType:
    """The least decimal type that holds what each of these holds. Raises PrecisionLoss where there is none."""
    scale = max((type_.scale for type_ in types), default=0)
    whole = max((type_.precision - type_.scale for type_ in types), default=1)
    precision = max(1, whole + scale)
    if precision <= _DECIMAL128:
        return pyarrow.decimal128(precision, scale)
    if precision <= _DECIMAL256:
        return pyarrow.decimal256(precision, scale)
    raise PrecisionLoss(
        f"a NUMBER column has values of {whole} digits before the point and of {scale} behind it, and no decimal type "
        f"has more than {_DECIMAL256} in all: read it with decimals='string' or 'float'"
    )
