"""Tables of Python's libraries, column by column: DataFrames of pandas and polars, Tables of pyarrow.

None of them is imported: who hands a table over has its library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}


@dataclass(frozen=True)
class TabularColumn:
    """A column: its name, its values with None for what is missing, and its library's name of their type."""

    name: str
    values: list[Any]
    dtype: str


def is_tabular(value: Any) -> bool:
    """Whether this is such a table."""
    kind = type(value)
    return any(
        _LIBRARIES.get(base.__module__.partition(".")[0]) == base.__name__ for base in getattr(kind, "__mro__", ())
    )


def columns_of(table: Any) -> list[TabularColumn]:
    """The columns of a table.

    Raises:
        ValueError: two have one name.
    """
    library = next(
        base.__module__.partition(".")[0]
        for base in type(table).__mro__
        if base.__module__.partition(".")[0] in _LIBRARIES
    )
    made = {"pandas": _of_pandas, "polars": _of_polars, "pyarrow": _of_pyarrow}[library](table)
    names = [column.name.upper() for column in made]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the table has two columns {name}: rename one")
    return made


def _of_pandas(frame: Any) -> list[TabularColumn]:
    made = []
    for number, name in enumerate(frame.columns):
        series = frame.iloc[:, number]
        missing = series.isna().tolist()
        values = [None if gone else value for value, gone in zip(series.astype(object).tolist(), missing)]
        made.append(TabularColumn(str(name), values, str(series.dtype)))
    return made


def _of_polars(frame: Any) -> list[TabularColumn]:
    return [TabularColumn(each.name, each.to_list(), str(each.dtype)) for each in frame]


def _of_pyarrow(table: Any) -> list[TabularColumn]:
    return [
        TabularColumn(name, column.to_pylist(), str(column.type))
        for name, column in zip(table.column_names, table.columns)
    ]
