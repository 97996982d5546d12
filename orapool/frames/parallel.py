"""Partitions read at the same time, each over a session of its own, as far as the pool has some free."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import pyarrow

from orapool import alchemy, pools
from orapool.errors import LogOnError, OnSessionError, PoolTimeout, ReadTimeout
from orapool.frames.batches import Batches, deadline_of
from orapool.frames.blocks import Column, make_columns
from orapool.frames.calls import PATIENCE, Calls, Stopped
from orapool.frames.columns import Target
from orapool.frames.options import Reading
from orapool.frames.partitions import (
    Layout,
    Partition,
    Partitioning,
    Subject,
    find_subject,
    is_no_snapshot,
    lay_out,
)
from orapool.frames.progress import Progress, make_progress
from orapool.frames.statements import SQL, Parameters
from orapool.retries import Attempt, Plan
from orapool.session_pool import SessionPool
from orapool.workers import CallTimeout, Workers

log = logging.getLogger("orapool.frames")

_AT_WORK = 0.8
"""Share of the time, spent on a processor, from which on it is the client that limits a read."""


def read_partitions(
    function: str, sql: SQL, params: Parameters | None, how: Reading, split: Partitioning
) -> tuple[tuple[Target, ...], list[Column]]:
    """All rows of a table or a query, read in partitions: what their columns are read as, and the columns.

    A partition that loses its session is read again where all are of one snapshot, and otherwise all of them are.
    """
    pool = pools.pool(how.name)
    subject = find_subject(sql, params, lambda: alchemy.engine(how.name).dialect)
    deadline = deadline_of(how.timeout)
    label = f"orapool.{function}()"
    layout = Plan().run(lambda attempt: find_layout(attempt, pool, subject, split, deadline), label)

    def read(layout: Layout, whole: Attempt | None) -> tuple[tuple[Target, ...], list[Column]]:
        progress = make_progress(how.progress, function, layout.rows)
        with contextlib.closing(progress):
            return ParallelRead(pool, layout.partitions(), how, deadline, progress, whole, label).run()

    try:
        if layout.scn is not None:
            try:
                return read(layout, None)
            except pool.driver.dbapi.DatabaseError as error:
                if not is_no_snapshot(error):
                    raise
                subject.refuse_snapshot(split.consistent, error)
                layout = layout.without_snapshot()
        return Plan().run(lambda attempt: read(layout, attempt), label)
    except Exception as error:
        for note in getattr(error, _NOTES, ()):
            log.error("%s failed %s: %s", label, note, str(error).partition("\n")[0])
        raise


def find_layout(attempt: Attempt, pool: SessionPool, subject: Subject, split: Partitioning, deadline: float) -> Layout:
    """How a table or a query is cut, found out on a session of the pool; see `lay_out`."""
    begun = time.monotonic()
    left = deadline - begun
    connection = attempt.draw(pool, None if left == float("inf") else left)
    calls = Calls(connection, deadline)
    try:
        return lay_out(subject, split, pool.settings.max, calls, pool.driver, connection)
    except CallTimeout:
        raise ReadTimeout(
            f"the partitions were not found in time, after {time.monotonic() - begun:.1f} s: that query was "
            "cancelled; give it more time (timeout=), or name the bounds yourself (partitions=[...])"
        ) from None
    finally:
        calls.close()
        connection.close()


_NOTES = "__notes__"
"""What Python 3.11 and later show below an error."""


class _NoSession(Exception):
    """The pool has no further session to give."""


class _Counted(Progress):
    """The progress of one partition, which may have to be taken back."""

    def __init__(self, whole: Progress, lock: threading.Lock) -> None:
        self._whole = whole
        self._lock = lock
        self._rows = self._size = 0

    def add(self, rows: int, size: int) -> None:
        """So many more rows, of so many bytes, are done."""
        self._rows += rows
        self._size += size
        with self._lock:
            self._whole.add(rows, size)

    def take_back(self) -> None:
        """None of it counts."""
        self.add(-self._rows, -self._size)


@dataclass
class _Share:
    """What one session did, in seconds.

    Attributes:
        partitions: how many it read.
        work: of a processor, in this process.
        wait: for the server and the network, and for the interpreter.
    """

    partitions: int = 0
    work: float = 0.0
    wait: float = 0.0


class ParallelRead:
    """Reads partitions.

    Args:
        pool: whose sessions to use.
        partitions: what to read.
        how: to read it.
        deadline: when it must have ended, a time of ``time.monotonic``.
        progress: is told of each batch.
        whole: the attempt that all of this belongs to; None: each partition may be read again by itself.
        label: what to call it in messages.
    """

    def __init__(
        self,
        pool: SessionPool,
        partitions: list[Partition],
        how: Reading,
        deadline: float,
        progress: Progress,
        whole: Attempt | None,
        label: str,
    ) -> None:
        self._pool = pool
        self._how = how
        self._deadline = deadline
        self._progress = progress
        self._whole = whole
        self._label = label
        self._count = len(partitions)
        self._most = min(self._count, pool.settings.max)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._progress_lock = threading.Lock()
        self._workers = Workers("partitions", self._most)
        # All below is guarded by the lock.
        self._waiting = deque(partitions)
        self._active = 0
        self._stopping = False
        self._calls: set[Calls] = set()
        self._failure: BaseException | None = None
        self._read_ones: dict[int, list[pyarrow.RecordBatch]] = {}
        self._rows = 0
        self._targets: tuple[Target, ...] = ()
        self._shares: list[_Share] = []
        # And these by another.
        self._joining = threading.Lock()
        self._columns: list[Column] = []
        self._joined = 0

    def run(self) -> tuple[tuple[Target, ...], list[Column]]:
        """The columns, and the rows of all partitions in order.

        Raises the first error of any partition, ReadTimeout, and KeyboardInterrupt; the other partitions are cancelled
        then, and all sessions have gone back.
        """
        begun = time.monotonic()
        try:
            with self._lock:
                for _ in range(self._most):
                    self._start_one()
                timeout = min(self._deadline - begun, threading.TIMEOUT_MAX)
                in_time = self._changed.wait_for(lambda: self._failure is not None or not self._active, timeout)
            if self._failure is not None:
                raise self._failure
            if not in_time:
                raise ReadTimeout(
                    f"the read did not end in time, after {time.monotonic() - begun:.1f} s and {self._rows:,} rows in "
                    "whole partitions: it was cancelled; give it more time (timeout=), or make the query quicker"
                )
        except BaseException:
            self._stop()
            raise
        finally:
            self._workers.retire()
        self._tell(time.monotonic() - begun)
        return self._targets, self._columns

    def _start_one(self) -> None:
        self._active += 1
        context = contextvars.copy_context()
        self._workers.submit(lambda: context.run(self._serve))

    def _serve(self) -> None:
        """Read one partition after the other, in a thread."""
        share = _Share()
        try:
            while True:
                with self._lock:
                    if self._stopping or not self._waiting:
                        return
                    partition = self._waiting.popleft()
                try:
                    if self._whole is not None:
                        self._read(self._whole, partition, share)
                    else:
                        label = f"{self._label}, {partition.label},"
                        Plan().run(lambda attempt: self._read(attempt, partition, share), label)  # noqa: B023
                except _NoSession:
                    with self._lock:
                        self._waiting.appendleft(partition)
                    return
                except BaseException as error:
                    self._fail(error, partition)
                    return
                with self._lock:
                    if self._waiting and self._active < self._most:
                        self._start_one()  # a session may have become free
        finally:
            with self._lock:
                self._active -= 1
                if share.partitions:
                    self._shares.append(share)
                if self._waiting and not self._active and not self._stopping and self._failure is None:
                    self._start_one()
                self._changed.notify_all()

    def _fail(self, error: BaseException, partition: Partition) -> None:
        with self._lock:
            if self._stopping or self._failure is not None:
                return
            self._failure = error
        with contextlib.suppress(AttributeError):
            setattr(error, _NOTES, [*getattr(error, _NOTES, ()), f"in {partition.label}"])

    def _read(self, attempt: Attempt, partition: Partition, share: _Share) -> None:
        connection = self._draw(attempt)
        calls = Calls(connection, float("inf"))
        with self._lock:
            stopping = self._stopping
            if not stopping:
                self._calls.add(calls)
        if stopping:
            connection.close()
            raise Stopped
        counted = _Counted(self._progress, self._progress_lock)
        begun, begun_work = time.monotonic(), time.thread_time()
        try:
            query, how = partition.query, self._how
            with contextlib.closing(
                Batches(self._pool, connection, query, how, float("inf"), counted, calls=calls)
            ) as batches:
                found = list(batches)
            self._keep(partition, batches.targets, found)
        except BaseException:
            counted.take_back()
            raise
        finally:
            work = time.thread_time() - begun_work
            share.work += work
            share.wait += time.monotonic() - begun - work
            with self._lock:
                self._calls.discard(calls)
        share.partitions += 1

    def _keep(self, partition: Partition, targets: tuple[Target, ...], batches: list[pyarrow.RecordBatch]) -> None:
        """Keep what was read, joined with what comes before it as soon as all of that is there."""
        with self._lock:
            self._targets = targets
            self._read_ones[partition.place] = batches
            self._rows += sum(batch.num_rows for batch in batches)
        with self._joining:
            self._columns = self._columns or make_columns(targets, iter(()))
            while True:
                with self._lock:
                    found = self._read_ones.pop(self._joined, None)
                if found is None:
                    return
                self._joined += 1
                found.reverse()
                while found:
                    batch = found.pop()
                    for column, array in zip(self._columns, batch.columns):
                        column.append(array)

    def _draw(self, attempt: Attempt) -> Any:
        """A session that is free; whoever is the last to read stands in line for one."""
        try:
            return attempt.draw(self._pool, 0)
        except (PoolTimeout, LogOnError, OnSessionError) as error:
            with self._lock:
                if self._active > 1:
                    if not isinstance(error, PoolTimeout):
                        self._most = 1  # the database gives no more
                    raise _NoSession from error
        left = self._deadline - time.monotonic()
        return attempt.draw(self._pool, None if left == float("inf") else left)

    def _stop(self) -> None:
        """Cancel what is under way, and wait until the sessions have gone back."""
        with self._lock:
            self._stopping = True
            self._waiting.clear()
            under_way = list(self._calls)
        deadline = time.monotonic() + PATIENCE
        for calls in under_way:
            calls.stop()
        for calls in under_way:
            calls.await_stop(deadline)
        with self._lock:
            self._changed.wait_for(
                lambda: not any(not calls.abandoned for calls in self._calls), max(0.0, deadline - time.monotonic())
            )

    def _tell(self, seconds: float) -> None:
        """Say once what the time went for."""
        work = sum(share.work for share in self._shares)
        each = ", ".join(
            f"{share.partitions} in {share.work:.2f} s of work here and {share.wait:.2f} s of waiting"
            for share in self._shares
        )
        if work >= _AT_WORK * seconds:
            advice = (
                "this process was the limit, and more partitions or sessions would not help: more processes would "
                "(orapool.dask)"
            )
        else:
            advice = "the server or the network was the limit: more sessions may help"
        log.info(
            "%s: %s rows, %d partitions over %d sessions (%s), %.2f s in all, %.0f %% of it work here: %s",
            *(self._label, f"{self._rows:,}", self._count, len(self._shares), each, seconds),
            *(100 * work / seconds if seconds else 0.0, advice),
        )
