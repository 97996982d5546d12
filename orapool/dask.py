"""The way in for Dask: DataFrames whose partitions the workers read, each process over a pool of its own."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

try:
    import dask.dataframe
    import distributed
except ImportError as missing:
    raise ImportError("orapool.dask needs dask and distributed: pip install 'orapool[dask]'") from missing

from orapool import alchemy, pools
from orapool.discovery import Config
from orapool.dsn import mask
from orapool.errors import ConfigurationError, DatabaseUnavailable, LogOnError, SnapshotUnavailable
from orapool.frames.batches import Batches, deadline_of
from orapool.frames.blocks import Column, make_columns
from orapool.frames.columns import Target, find_targets
from orapool.frames.options import Framing, Reading, framing
from orapool.frames.pandas_frames import make_frame
from orapool.frames.parallel import find_layout
from orapool.frames.partitions import Partition, Partitioning, Partitions, find_subject, is_no_snapshot
from orapool.frames.progress import Progress
from orapool.frames.statements import SQL, Parameters
from orapool.layers import SECRETS
from orapool.retries import Attempt, Plan
from orapool.session_pool import SessionPool
from orapool.settings import PoolSettings
from orapool.sources import DEFAULT

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from orapool.frames.options import FrameOptions

_LABEL = "orapool.dask.read_df()"
_NO_SECRETS = (
    "no password travels in a graph: set ORAPOOL_PASSWORD, or another of orapool's settings, in the worker's "
    "environment or in a file on its machine, or register an orapool.dask.WorkerPool"
)


def read_df(
    sql: SQL,
    params: Parameters | None = None,
    *,
    partition_on: str,
    partitions: Partitions,
    consistent: bool | None = None,
    meta: pandas.DataFrame | None = None,
    **options: Unpack[FrameOptions],
) -> Any:
    """A Dask DataFrame of a table or a query, whose partitions Dask's workers read when they are asked for.

    The parameters are those of `orapool.read_df`; `timeout` counts for each partition, and `progress` is Dask's own.
    This process's pool finds the partitions, and the SCN of now, as of which they are read; a later call has a later
    one. In all partitions an integer column is Int64 where the database says that NULLs may occur, and int64 elsewhere.
    With `meta`, an empty DataFrame, each partition is cast to its types.

    What travels to the workers is the query with its parameters, and the settings of the pool but for passwords, tokens
    and functions. A worker process whose own pool of that name is configured, as by `WorkerPool` or in a preload
    script, uses that; any other looks for settings as `orapool.configure` does, its own environment and files first.

    Raises as `orapool.read_df` does; in a worker also ConfigurationError, which says what it needs to log on.

        >>> frame = orapool.dask.read_df("orders", partition_on="id", partitions=64)
        >>> frame.groupby("city").amount.sum().compute()
    """
    how, shape = framing("dask.read_df", options)
    if how.progress is not False:
        raise ConfigurationError("progress is for reading at once: Dask shows its own, as distributed.progress() does")
    split = Partitioning(partition_on, partitions, consistent)
    pool = pools.pool(how.name)
    subject = find_subject(sql, params, lambda: alchemy.engine(how.name).dialect)
    deadline = deadline_of(how.timeout)
    layout = Plan().run(lambda attempt: find_layout(attempt, pool, subject, split, deadline), _LABEL)
    if meta is None:
        meta = _find_meta(find_targets(layout.columns, how), how, shape)
    reader = _Reader(
        _Shipment(how.name, _shippable(pool.settings)),
        how,
        shape,
        meta.iloc[:0],
        layout.scn is not None,
        uuid.uuid4().hex if layout.scn is None else f"as of scn {layout.scn}",
    )
    from_map: Any = dask.dataframe.from_map
    return from_map(reader, layout.partitions(), meta=reader.meta, label="orapool-read_df", enforce_metadata=False)


class WorkerPool(distributed.WorkerPlugin):
    """Configures a pool in each worker process, those that come later included, and closes it at the end.

    The parameters are those of `orapool.configure`. They go to the scheduler once, over the connection that
    `register_plugin` uses, and from it to the workers; it keeps them, a password too, in its memory. Where not all who
    can reach the scheduler may have the password, or its connections are not TLS, give `password_file` or
    `password_hook`, which are looked up in each worker, or leave the settings to the workers' own environment.

    >>> client.register_plugin(orapool.dask.WorkerPool(url="oracle://scott@db:1521/?service_name=sales", max=2,
    ...     password_file="/run/secrets/scott"))
    """

    def __init__(self, pool: str = DEFAULT, config: Config | None = None, **settings: Any) -> None:
        self.name = f"orapool-{pool}"
        self._pool = pool
        self._config = config
        self._settings = settings

    def __repr__(self) -> str:
        return f"<WorkerPool {self._pool!r}>"

    def setup(self, worker: Any) -> None:
        """Configure the pool. Raises ConfigurationError."""
        with _lock:
            if _shipped.pop(self._pool, None) is not None:
                pools.close(self._pool)
            pools.configure(self._pool, self._config, **self._settings)

    def teardown(self, worker: Any) -> None:
        """Close the pool."""
        pools.close(self._pool)


@dataclass(frozen=True)
class _Shipment:
    """A pool's name, and what may be known of its settings."""

    name: str
    settings: Mapping[str, Any]


_lock = threading.Lock()
_shipped: dict[str, _Shipment] = {}
"""What the pools of this process were configured with that are not configured otherwise."""


def _shippable(settings: PoolSettings) -> dict[str, Any]:
    """The settings that were made, but for secrets, and functions, which might hold some."""
    found = {}
    for name, origin in settings.origins.items():
        value = getattr(settings, name)
        if origin == "default" or name in SECRETS or callable(value) or (name == "dsn" and mask(value) != value):
            continue
        found[name] = str(value) if isinstance(value, Path) else value
    return found


def _find_pool(shipment: _Shipment) -> SessionPool:
    """The pool of this process, configured now where it is not yet."""
    name = shipment.name
    with _lock:
        if name in _shipped:
            if _shipped[name] == shipment:
                return pools.pool(name)
            del _shipped[name]
            pools.close(name)
        elif name in pools.configured():
            return pools.pool(name)
        settings = dict(shipment.settings)
        pools.configure(name, config={"ORAPOOL": settings if name == DEFAULT else {name: settings}})
        _shipped[name] = shipment
        return pools.pool(name)


@dataclass(frozen=True)
class _Reader:
    """Reads a partition, in a worker.

    Attributes:
        shipment: the pool to use.
        how, shape: as `read_df` was asked to.
        meta: an empty DataFrame with the types that are wanted.
        of_scn: whether all partitions are of one moment.
        occasion: tells it from other readers of the same, whose rows may be others.
    """

    shipment: _Shipment
    how: Reading
    shape: Framing
    meta: pandas.DataFrame = field(compare=False)
    of_scn: bool
    occasion: str

    def __call__(self, partition: Partition) -> pandas.DataFrame:
        try:
            pool = _find_pool(self.shipment)
            targets, columns = Plan().run(lambda attempt: self._read(attempt, pool, partition), _LABEL)
        except ConfigurationError as error:
            raise ConfigurationError(f"{_here()}: {error}; {_NO_SECRETS}") from None
        except LogOnError as error:
            # What was raised is of a class made on the fly, which does not find its way back to the client.
            plain = DatabaseUnavailable if isinstance(error, DatabaseUnavailable) else LogOnError
            raise plain(f"{_here()}: {error}") from None
        frame = make_frame(targets, columns, self.how, self.shape, by_description=True)
        return self._as_meta(frame, partition)

    def _read(
        self, attempt: Attempt, pool: SessionPool, partition: Partition
    ) -> tuple[tuple[Target, ...], list[Column]]:
        deadline = deadline_of(self.how.timeout)
        connection = attempt.draw(pool, self.how.timeout)
        try:
            batches = Batches(pool, connection, partition.query, self.how, deadline, Progress())
            with contextlib.closing(batches):
                return batches.targets, make_columns(batches.targets, batches)
        except pool.driver.dbapi.DatabaseError as error:
            if not self.of_scn or not is_no_snapshot(error):
                raise
            reason = str(error).partition("\n")[0]
            raise SnapshotUnavailable(
                f"{_here()}: {partition.label} cannot be read as it was when {_LABEL} was called ({reason}): call it "
                "again and compute soon, have undo kept longer, or pass consistent=False"
            ) from None

    def _as_meta(self, frame: pandas.DataFrame, partition: Partition) -> pandas.DataFrame:
        if list(frame.columns) != list(self.meta.columns):
            raise ConfigurationError(
                f"{partition.label} has the columns {', '.join(map(str, frame.columns))}, and meta "
                f"{', '.join(map(str, self.meta.columns))}"
            )
        for place, (found, wanted) in enumerate(zip(frame.dtypes, self.meta.dtypes)):
            if found != wanted:
                name = frame.columns[place]
                try:
                    frame = frame.astype({name: wanted})
                except (TypeError, ValueError) as error:
                    raise ConfigurationError(
                        f"column {name} is {found} in {partition.label}, and {wanted} in meta: pass a meta= with a "
                        f"type that holds all of it ({error})"
                    ) from None
        return frame


def _find_meta(targets: tuple[Target, ...], how: Reading, shape: Framing) -> pandas.DataFrame:
    for target in targets:
        if target.final is None:
            raise ConfigurationError(
                f"column {target.column.name} is a NUMBER without scale, and no partition tells what the others need: "
                "select cast(... as number(38, 10)), or read it with decimals='decimal' or 'string'"
            )
    return make_frame(targets, make_columns(targets, iter(())), how, shape, by_description=True)


def _here() -> str:
    """What to call this process in messages."""
    try:
        return f"Dask worker {distributed.get_worker().address}"
    except ValueError:
        return f"process {os.getpid()}"
