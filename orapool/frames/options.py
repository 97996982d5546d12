"""The options that all ways to read take, checked once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict, Union

from orapool.errors import ConfigurationError
from orapool.frames.progress import check_progress

Decimals = Literal["float", "decimal", "arrow", "string"]
ColumnNames = Literal["lower", "oracle"]
TimestampUnit = Literal["us", "ns"]
Backend = Literal["numpy_nullable", "pyarrow"]
Progress = Union[bool, int]

_CHOICES: dict[str, tuple[Any, ...]] = {
    "decimals": (None, "float", "decimal", "arrow", "string"),
    "column_names": ("lower", "oracle"),
    "timestamp_unit": ("us", "ns"),
    "dtype_backend": (None, "numpy_nullable", "pyarrow"),
}


class ReadOptions(TypedDict, total=False):
    """Options of `read_arrow` and `read_polars`; see `read_df`."""

    decimals: Decimals | None
    strip_char: bool
    column_names: ColumnNames
    timestamp_unit: TimestampUnit
    arraysize: int | None
    timeout: float | None
    progress: Progress
    name: str


class FrameOptions(ReadOptions, total=False):
    """Options of `read_df` and `iter_df`; see `read_df`."""

    index_col: str | list[str] | None
    coerce_float: bool
    parse_dates: Any
    dtype: Any
    dtype_backend: Backend | None


@dataclass(frozen=True)
class Reading:
    """How to read; see `read_df`."""

    decimals: Decimals | None = None
    strip_char: bool = False
    column_names: ColumnNames = "lower"
    timestamp_unit: TimestampUnit = "us"
    arraysize: int | None = None
    timeout: float | None = None
    progress: Progress = False
    name: str = "default"

    def __post_init__(self) -> None:
        _check_choices(self)
        if self.arraysize is not None and self.arraysize < 1:
            raise ConfigurationError(f"arraysize is a number of rows, 1 or more, not {self.arraysize!r}")
        if self.timeout is not None and self.timeout <= 0:
            raise ConfigurationError(f"timeout is a number of seconds above 0, not {self.timeout!r}")
        if self.progress is not False:
            check_progress()


@dataclass(frozen=True)
class Framing:
    """What to make of what was read; see `read_df`."""

    index_col: str | list[str] | None = None
    parse_dates: Any = None
    dtype: Any = None
    dtype_backend: Backend | None = None

    def __post_init__(self) -> None:
        _check_choices(self)


def _check_choices(options: Any) -> None:
    for field in fields(options):
        allowed, value = _CHOICES.get(field.name), getattr(options, field.name)
        if allowed is not None and value not in allowed:
            raise ConfigurationError(f"{field.name} is {' or '.join(map(repr, allowed))}, not {value!r}")


def framing(function: str, options: Mapping[str, Any]) -> tuple[Reading, Framing]:
    """The options of a function that makes DataFrames of pandas."""
    rest = dict(options)
    own = {field.name: rest.pop(field.name) for field in fields(Framing) if field.name in rest}
    made = Framing(**own)
    if made.dtype_backend is not None:
        _check_backend()
    coerce_float = rest.pop("coerce_float", True)
    if not coerce_float:
        rest["decimals"] = rest.get("decimals") or "decimal"
    return reading(function, rest), made


def _check_backend() -> None:
    import pandas

    if int(pandas.__version__.partition(".")[0]) < 2:
        raise ConfigurationError(f"dtype_backend is new in pandas 2.0, and pandas is {pandas.__version__}")


def reading(function: str, options: Mapping[str, Any]) -> Reading:
    """The options of a function that reads."""
    known = {field.name for field in fields(Reading)}
    for name in options:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    return Reading(**options)


def check_chunksize(chunksize: int) -> None:
    """Raise ConfigurationError for what is no number of rows."""
    if chunksize < 1:
        raise ConfigurationError(f"chunksize is a number of rows, 1 or more, not {chunksize!r}")


def need(function: str, *modules: str, extra: str = "pandas") -> None:
    """Raise ConfigurationError where a library that `function` needs is not installed."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigurationError(f"orapool.{function} needs {module}: pip install 'orapool[{extra}]'") from error
