"""The users who may log on: their passwords, which of these have expired, who is locked, and who may be whose proxy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orapool.sandbox.auth import Verifier
from orapool.sandbox.errors import OracleError


@dataclass
class _Account:
    verifier: Verifier
    expired: bool = False
    locked: bool = False
    proxies: set[str] = field(default_factory=set)
    """Users who may log on as this one, with passwords of their own."""
    os_users: set[str] = field(default_factory=set)
    """Users of clients' operating systems who are this one, without a password."""
    tokens: set[str] = field(default_factory=set, repr=False)
    """Access tokens that stand for this one."""


class Accounts:
    """The users of a server. Names are in capitals, as the dictionary has them.

    Args:
        users: passwords by user name.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._first = {user.upper(): Verifier.of(user.upper(), password) for user, password in users.items()}
        self.heal()

    def verifier(self, user: str) -> Verifier | None:
        """The verifier of a user, None when there is no such user."""
        account = self._accounts.get(user)
        return account.verifier if account else None

    def identify(self, os_user: str, token: str | None) -> str | None:
        """Who logs on without a password, by a token or else as a user of the operating system; None for nobody."""
        for user, account in self._accounts.items():
            if token in account.tokens if token is not None else os_user in account.os_users:
                return user
        return None

    def admit(self, user: str, client: str) -> str:
        """Who a session is of: `user`, who has proved the password, or the `client` whose proxy that is.

        Raises:
            OracleError: ORA-28000 for a locked account, ORA-28001 for an expired password, ORA-28150 for no proxy.
        """
        account = self._accounts[user]
        if account.locked:
            raise OracleError(28000, "the account is locked")
        if account.expired:
            raise OracleError(28001, "the password has expired")
        if not client:
            return user
        if client not in self._accounts or user not in self._accounts[client].proxies:
            raise OracleError(28150, "proxy not authorized to connect as client")
        if self._accounts[client].locked:
            raise OracleError(28000, "the account is locked")
        return client

    def create(self, user: str, password: str) -> None:
        """Add a user, as CREATE USER does: one of those at the start from now on."""
        verifier = Verifier.of(user.upper(), password)
        self._first[user.upper()] = verifier
        self._accounts[user.upper()] = _Account(verifier)

    def drop(self, user: str) -> None:
        """Remove a user, as DROP USER does."""
        self._first.pop(user.upper(), None)
        self._accounts.pop(user.upper(), None)

    def set_password(self, user: str, password: str) -> None:
        """Change a password, as ALTER USER ... IDENTIFIED BY does: an expired one has not expired any more."""
        if not password:
            raise ValueError("a password must not be empty")
        account = self._account(user)
        account.verifier, account.expired = Verifier.of(user.upper(), password), False

    def change_password(self, user: str, password: str) -> None:
        """Change a password as its user does, who knew the old one, be it expired.

        Raises:
            OracleError: ORA-28000 for a locked account, ORA-00988 for an empty password.
        """
        if self._account(user).locked:
            raise OracleError(28000, "the account is locked")
        if not password:
            raise OracleError(988, "missing or invalid password(s)")
        self.set_password(user, password)

    def expire_password(self, user: str) -> None:
        """Let a password expire: log-ons with it get ORA-28001."""
        self._account(user).expired = True

    def lock(self, user: str, locked: bool = True) -> None:
        """Lock an account: log-ons get ORA-28000; or unlock it."""
        self._account(user).locked = locked

    def grant_proxy(self, client: str, proxy: str) -> None:
        """Let `proxy` log on as `client`, as ALTER USER ... GRANT CONNECT THROUGH does."""
        self._account(proxy)
        self._account(client).proxies.add(proxy.upper())

    def revoke_proxy(self, client: str, proxy: str) -> None:
        """Let `proxy` log on as `client` no more."""
        self._account(client).proxies.discard(proxy.upper())

    def identify_externally(self, user: str, os_user: str) -> None:
        """Let a user of clients' operating systems log on without a password, as CREATE USER ... IDENTIFIED EXTERNALLY.

        The server believes what the client says, as a database with REMOTE_OS_AUTHENT does.
        """
        self._account(user).os_users.add(os_user)

    def accept_token(self, user: str, token: str) -> None:
        """Let an access token stand for a user."""
        self._account(user).tokens.add(token)

    def heal(self) -> None:
        """The accounts as at the start: with the passwords of then, nobody locked, nothing granted."""
        self._accounts = {user: _Account(verifier) for user, verifier in self._first.items()}

    def keep(self) -> Callable[[], None]:
        """Keep the accounts as they are now; what is returned brings them back."""
        kept = copy.deepcopy(self._accounts)

        def restore() -> None:
            self._accounts = copy.deepcopy(kept)

        return restore

    def _account(self, user: str) -> _Account:
        account = self._accounts.get(user.upper())
        if account is None:
            raise ValueError(f"there is no user {user!r}")
        return account
