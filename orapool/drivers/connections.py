"""What both drivers' connections have in common: they give their session back, and remember when it is lost."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, Protocol

from orapool.causes import ASKED
from orapool.collector import collects_here
from orapool.drivers import units
from orapool.errors import lost_by_silence, lost_connection
from orapool.tags import Tags

_UNTOLD = object()


class Lender(Protocol):
    """Whoever gave a connection out and wants it back: the pool."""

    def take_back(self, connection: Any) -> None:
        """The caller has closed `connection`."""

    def take_out(self, connection: Any, cause: str) -> None:
        """`connection` shall leave the pool."""

    def reclaim(self, connection: Any) -> None:
        """`connection` is being garbage-collected. Must not block."""


class TagAttribute:
    """One of a driver's write-only attributes `Tags._fields`, which each driver sends along with the next call.

    What the connection's user sets is noted, so that the next user's tags replace it.

    Args:
        own: the driver's own attribute.
        longest: bytes that it takes; what is beyond is cut off.
    """

    def __init__(self, own: Any, longest: int) -> None:
        self.own = own
        self.longest = longest
        self.__doc__ = own.__doc__

    def __get__(self, connection: Any, owner: type) -> Any:
        return self if connection is None else self.own.__get__(connection, owner)

    def __set__(self, connection: Any, value: Any) -> None:
        state = connection.session_state
        if state is not None:
            state.told = None
        self.own.__set__(connection, value)

    def tell(self, connection: Any, value: str | None) -> None:
        """Set it on behalf of the pool; None takes away what is there."""
        if value:
            value = value.encode("utf-8", "replace")[: self.longest].decode("utf-8", "ignore")
        # python-oracledb takes None only: of an empty string it sends a byte that its length does not count.
        self.own.__set__(connection, value or None)


class PooledConnection:
    """Mixed into a driver's Connection class: its close() gives the session back, and it remembers a lost session."""

    lent_by: Lender | None = None
    """The pool, while the connection is checked out."""
    lost_by: str | None = None
    """The code of the error after which the session must not be used again."""
    lost_silently: bool | None = False
    """Whether it was silence, and not a goodbye, that ended it: others may be dead too. None: not told."""
    unit: units.Unit | None = None
    """The unit of work that the connection was drawn for, if that may be run again."""

    may_have_begun = False
    """Whether something was sent since the last commit or rollback that may have begun a transaction unheard."""

    survives_cancel = True
    """Whether the session is as good as before after a call on it was cancelled."""
    call_under_way: threading.Event | None = None
    """Set when a call that nobody waits for any more has let go of the session."""
    session_state: Any = None
    """What the pool knows of the session."""

    longest_tags: tuple[int, ...] = (64, 64, 64, 64)
    """Bytes that the driver takes of each of the tags."""
    _tag_attributes: list[TagAttribute]

    def __init_subclass__(cls) -> None:
        units.watch(cls)
        if not hasattr(cls, "_tag_attributes") and hasattr(cls, "module"):
            cls._tag_attributes = [
                TagAttribute(getattr(cls, name), longest) for name, longest in zip(Tags._fields, cls.longest_tags)
            ]
            for name, attribute in zip(Tags._fields, cls._tag_attributes):
                setattr(cls, name, attribute)

    def close(self) -> None:
        """Give the session back to the pool, rolling back what was not committed. A second call does nothing."""
        lender = self._end_loan()
        if lender is None:
            return
        if collects_here():
            lender.reclaim(self)
        else:
            lender.take_back(self)

    def _end_loan(self) -> Lender | None:
        """The pool, to give the connection back to; None if that is being done, or was never lent.

        To delete an attribute is atomic: of two threads that close, one finds the pool.
        """
        lender = self.lent_by
        if lender is not None:
            try:
                del self.lent_by
            except AttributeError:
                return None
        return lender

    @property
    def in_call(self) -> bool:
        """Whether a call that nobody waits for any more has not let go of the session yet."""
        return self.call_under_way is not None and not self.call_under_way.is_set()

    def close_cursors(self) -> None:
        """Close what could be freed in the caller's thread while another thread has the session (blocks nobody)."""

    def tell(self, tags: Tags, told: Tags | None) -> None:
        """Tell the session who uses it, with its next call; `told` is what it was told last, None if nobody knows."""
        module, action, *others = self._tag_attributes
        renamed = told is None or told.module != tags.module
        if renamed:
            module.tell(self, tags.module)
        # Who sets the module takes the action away, and both drivers do.
        if renamed or told is None or told.action != tags.action:
            action.tell(self, tags.action)
        for attribute, value, old in zip(others, tags[2:], told[2:] if told else (_UNTOLD, _UNTOLD)):
            if value != old:
                attribute.tell(self, value)

    def drop(self) -> None:
        """Close the session instead of giving it back: the pool opens a new one when it needs one."""
        lender = self._end_loan()
        if lender is None:
            return
        if collects_here():
            self.lost_by = self.lost_by or ASKED
            lender.reclaim(self)
        else:
            lender.take_out(self, ASKED)

    def note(self, error: BaseException, by_driver: bool = True) -> None:
        """Remember that the session is lost, if that is what `error` means."""
        code = lost_connection(error, by_driver)
        if code is not None:
            self.lost_by = code
            self.lost_silently = self.lost_silently or lost_by_silence(error)
            for unit in (units.current.get(), self.unit):
                if unit is not None:
                    unit.note_lost(error, self.lent_by)

    def note_sending(self, statement: Any) -> None:
        """Remember whether `statement`, about to be sent, is more than a query."""
        if not self.may_have_begun:
            self.may_have_begun = units.may_begin_transaction(statement)
        for unit in (units.current.get(), self.unit):
            if unit is not None and unit.wrote is None:
                write = units.find_write(statement)
                if write is not None:
                    unit.note_write(write)

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        # Bound when the block was entered, perhaps in the parent process: what it does is looked up now.
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        if error is not None:
            self.note(error, by_driver=False)
        self.close()

    def __del__(self) -> None:
        if self.lent_by is not None and not sys.is_finalizing():
            lender = self._end_loan()
            if lender is not None:
                lender.reclaim(self)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, or may be: as the server's last answer had it, and by what was sent."""
        return self.may_have_begun or self.told_of_transaction()

    def told_of_transaction(self) -> bool:
        """Whether a transaction is open, as the server's last answer had it; the driver's error for a dead session."""
        raise NotImplementedError

    def commit(self) -> None:
        """As the driver's own."""
        try:
            super().commit()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise
        self.may_have_begun = False

    def rollback(self) -> None:
        """As the driver's own, but without a round trip where no transaction can be open."""
        try:
            if self.in_transaction:
                super().rollback()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise
        self.may_have_begun = False

    def ping(self) -> None:
        """As the driver's own."""
        try:
            super().ping()  # type: ignore[misc]
        except Exception as error:
            self.note(error)
            raise


class ParentsConnection:
    """What a connection of the parent process turns into in a forked child: nothing works but letting go of it."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("close", "drop", "_leave", "__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise object.__getattribute__(self, "driver_error")(
            "this connection was checked out before fork() and belongs to the parent process: acquire one here"
        )

    driver_error: type[Exception] = Exception

    def close(self) -> None:
        """Do nothing: the parent closes it."""

    drop = close

    def _leave(self, error: BaseException | None) -> None:
        pass

    def __del__(self) -> None:
        pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: checked out before fork()>"
