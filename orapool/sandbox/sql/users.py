"""CREATE, ALTER and DROP USER."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orapool.sandbox.errors import OracleError
from orapool.sandbox.sql.actions import Control
from orapool.sandbox.sql.cursor import TokenReader
from orapool.sandbox.sql.dialect import unsupported
from orapool.sandbox.sql.link import Run
from orapool.sandbox.sql.scanner import QUOTED, WORD

if TYPE_CHECKING:
    from orapool.sandbox.sql.backend import Backend

Changes = tuple[tuple[str, str], ...]


class Accounts(Protocol):
    """Where a server keeps who may log on."""

    def create(self, user: str, password: str) -> None:
        """A new user."""

    def drop(self, user: str) -> None:
        """A user less."""

    def set_password(self, user: str, password: str) -> None:
        """Another password."""

    def expire_password(self, user: str) -> None:
        """The password has to be changed."""

    def lock(self, user: str, locked: bool = True) -> None:
        """Lock or unlock."""

    def grant_proxy(self, client: str, proxy: str) -> None:
        """Let one log on as another."""

    def revoke_proxy(self, client: str, proxy: str) -> None:
        """And no more."""


def read_user(verb: str, reader: TokenReader) -> Control:
    """CREATE, ALTER or DROP USER, after these words.

    Raises:
        OracleError: a syntax error, or ORA-03001 for what the sandbox does not have.
    """
    name = reader.name()
    if verb == "DROP":
        cascade = reader.has("CASCADE")
        reader.end()
        return Control("drop_user", (name, cascade))
    changes: list[tuple[str, str]] = []
    while reader.next is not None:
        changes += _clause(verb, reader)
    if verb == "CREATE":
        if not changes or changes[0][0] != "password":
            raise unsupported("CREATE USER without IDENTIFIED BY")
        return Control("create_user", (name, tuple(changes)))
    if not changes:
        raise OracleError(922, "missing or invalid option", reader.position)
    return Control("alter_user", (name, tuple(changes)))


def _clause(verb: str, reader: TokenReader) -> list[tuple[str, str]]:
    if reader.has("IDENTIFIED"):
        if not reader.has("BY"):
            what = reader.next.value if reader.next is not None else ""
            raise unsupported(f"IDENTIFIED {what}")
        token = reader.take()
        if token.kind not in (WORD, QUOTED):
            raise OracleError(988, "missing or invalid password(s)", token.start)
        if token.is_word("VALUES") or reader.sees("REPLACE"):
            raise unsupported(f"IDENTIFIED BY ... {'VALUES' if token.is_word('VALUES') else 'REPLACE'}")
        return [("password", token.text if token.kind == WORD else token.value)]
    if reader.has("ACCOUNT"):
        if not reader.sees("LOCK", "UNLOCK"):
            raise OracleError(922, "missing or invalid option", reader.position)
        return [("lock", reader.take().value)]
    if reader.has("PASSWORD", "EXPIRE"):
        return [("expire", "")]
    if verb == "ALTER" and reader.sees("GRANT", "REVOKE"):
        what = f"{reader.take().value.lower()} proxy"
        reader.expect("CONNECT", "THROUGH")
        return [(what, reader.name())]
    if reader.has("DEFAULT", "TABLESPACE") or reader.has("TEMPORARY", "TABLESPACE"):
        reader.name()
        return [("storage", "")]
    if reader.has("QUOTA"):
        if not reader.has("UNLIMITED"):
            reader.take()
            if reader.sees("K", "M", "G", "T"):
                reader.take()
        reader.expect("ON")
        reader.name()
        return [("storage", "")]
    if reader.has("PROFILE"):
        profile = reader.take().value
        if profile != "DEFAULT":
            raise OracleError(2380, f"profile {profile} does not exist")
        return [("storage", "")]
    raise unsupported(f"{verb} USER ... {reader.take().value}")


def create_user(backend: Backend, user: str, changes: Changes) -> None:
    """Add a user with an empty schema.

    Raises:
        OracleError: ORA-01920 for one that is there.
    """
    if _exists(backend, user):
        raise OracleError(1920, f"user name '{user}' conflicts with another user or role name")
    backend.engine.create_user(user)
    accounts = backend.engine.accounts
    if accounts is not None:
        accounts.create(user, changes[0][1])
    _change(accounts, user, changes[1:])


def alter_user(backend: Backend, user: str, changes: Changes) -> None:
    """Change a user's account.

    Raises:
        OracleError: ORA-01918 for one that is not there.
    """
    if not _exists(backend, user):
        raise OracleError(1918, f"user '{user}' does not exist")
    try:
        _change(backend.engine.accounts, user, changes)
    except ValueError:
        raise OracleError(1918, f"user '{user}' does not exist") from None


def drop_user(backend: Backend, user: str, cascade: bool) -> None:
    """Remove a user and all that is theirs.

    Raises:
        OracleError: ORA-01918 for one that is not there, ORA-01940 while they are connected, ORA-01922 without CASCADE
            where their schema is not empty.
    """
    if not _exists(backend, user):
        raise OracleError(1918, f"user '{user}' does not exist")
    if _count(backend, b"select count(*) from oracle.sessions where upper(username) = $1", user):
        raise OracleError(1940, "cannot drop a user that is currently connected")
    objects = b"select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1"
    if not cascade and _count(backend, objects, user):
        raise OracleError(1922, f"CASCADE must be specified to drop '{user}'")
    backend.commit()
    backend.engine.drop_user(user)
    if backend.engine.accounts is not None:
        backend.engine.accounts.drop(user)


def _change(accounts: Accounts | None, user: str, changes: Changes) -> None:
    if accounts is None:
        return
    for what, value in changes:
        if what == "password":
            accounts.set_password(user, value)
        elif what == "lock":
            accounts.lock(user, value == "LOCK")
        elif what == "expire":
            accounts.expire_password(user)
        elif what == "grant proxy":
            accounts.grant_proxy(user, value)
        elif what == "revoke proxy":
            accounts.revoke_proxy(user, value)


def _exists(backend: Backend, user: str) -> bool:
    return bool(_count(backend, b"select count(*) from oracle.users where username = $1", user))


def _count(backend: Backend, query: bytes, user: str) -> int:
    return int(backend.run([Run(query, [user.encode()])])[0].get_value(0, 0) or b"0")
