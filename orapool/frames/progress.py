"""A line that shows how far a long read or write is: rows, rows a second, megabytes."""

from __future__ import annotations

from orapool.errors import ConfigurationError


class Progress:
    """Shows nothing."""

    def add(self, rows: int, size: int) -> None:
        """So many more rows, of so many bytes, are done."""

    def close(self) -> None:
        """It is over."""


class Bar(Progress):
    """A bar of tqdm's.

    Args:
        label: what it is about.
        total: how many rows there will be, if that is known.
    """

    def __init__(self, label: str, total: int | None) -> None:
        from tqdm.auto import tqdm

        self._size = 0
        self._bar = tqdm(total=total, unit=" rows", unit_scale=True, desc=label)

    def add(self, rows: int, size: int) -> None:
        """So many more rows, of so many bytes, are done."""
        self._size += size
        self._bar.set_postfix_str(f"{self._size / 1e6:.1f} MB", refresh=False)
        self._bar.update(rows)

    def close(self) -> None:
        """It is over."""
        self._bar.close()


def check_progress() -> None:
    """Raise ConfigurationError where tqdm is not installed."""
    try:
        import tqdm.auto  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("progress=True needs tqdm: pip install 'orapool[progress]'") from error


def make_progress(wanted: bool | int, label: str, total: int | None = None) -> Progress:
    """What shows progress: nothing, a bar, or, for a number, a bar that knows how many rows there will be."""
    if wanted is False:
        return Progress()
    return Bar(label, total if wanted is True else int(wanted))
