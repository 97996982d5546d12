"""Wallets and TLS, tokens, and external authentication: settings that reach the drivers, and log on for real."""

from __future__ import annotations

import base64
import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orapool import ConfigurationError, DatabaseUnavailable, LogOnError, SessionPool
from orapool.dsn import with_connect_timeouts
from orapool.sandbox import Sandbox
from orapool.settings import load_settings
from tests.waiting import until

MakePool = Callable[..., SessionPool]
WHO = "select sys_context('userenv', 'session_user'), sys_context('userenv', 'proxy_user') from dual"
PLACE = {"dsn": "db/x"}
SCOTT = {"user": "scott", "password": "tiger"}
NOBODY: dict[str, Any] = {"user": None, "password": None}


def who(connection: Any) -> Any:
    return connection.cursor().execute(WHO).fetchone()


def token(expires: int = 9_999_999_999, name: str = "sh") -> str:
    """An OAuth token, which the drivers look into for its end."""
    parts = ({"alg": "none"}, {"exp": expires, "sub": name})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "signature"))


@pytest.fixture(scope="session")
def tls(running_sandbox: Sandbox) -> str:
    """The connect string of the sandbox's port for TLS."""
    return running_sandbox.listen_for_tls()


@pytest.fixture(scope="session")
def wallet(running_sandbox: Sandbox, tls: str) -> str:
    """A wallet that trusts the sandbox."""
    return running_sandbox.make_wallet()


@pytest.mark.parametrize("driver", ["oracledb"])
class TestTlsWithPythonOracledb:
    def test_a_wallet_is_opened(self, make_pool: MakePool, sandbox: Sandbox, tls: str, wallet: str) -> None:
        pool = make_pool(dsn=tls, wallet_location=wallet, max=2)

        with pool.acquire() as first, pool.acquire() as second:
            assert who(first) == who(second) == ("SCOTT", None)

    def test_a_checkout_costs_no_round_trip_and_finds_its_dead(
        self, make_pool: MakePool, sandbox: Sandbox, tls: str, wallet: str
    ) -> None:
        pool = make_pool(dsn=tls, wallet_location=wallet)
        with pool.acquire() as connection:
            session_socket = connection.session_state.socket
            assert session_socket is not None
        before = sandbox.stats()
        pool.acquire().close()
        assert (sandbox.stats() - before).total_round_trips == 0

        sandbox.end_sessions()
        until(session_socket.has_ended)  # what ends TLS passes it on

        with pool.acquire() as connection:
            assert who(connection) == ("SCOTT", None)

    def test_a_descriptors_own_wallet_counts_more(self, make_pool: MakePool, tls: str, wallet: str) -> None:
        pool = make_pool(dsn=f"{tls}?wallet_location={wallet}", wallet_location="/nowhere")

        pool.acquire().close()

    def test_without_a_wallet_the_server_is_not_trusted(self, make_pool: MakePool, tls: str) -> None:
        with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
            make_pool(dsn=tls).acquire()

    def test_a_password_opens_the_clients_certificate(self, make_pool: MakePool, sandbox: Sandbox, tls: str) -> None:
        wallet = sandbox.make_wallet("open sesame")
        sandbox.demand_client_certificates()

        with make_pool(dsn=tls, wallet_location=wallet, wallet_password="open sesame").acquire() as connection:
            assert who(connection) == ("SCOTT", None)
        with pytest.raises(LogOnError):
            make_pool(dsn=tls, wallet_location=wallet, wallet_password="wrong").acquire()

    def test_a_token_logs_on(self, make_pool: MakePool, sandbox: Sandbox, tls: str, wallet: str) -> None:
        sandbox.accept_token("sh", token())
        asked = []

        def fetch(refresh: bool) -> str:
            asked.append(refresh)
            return token()

        for given in (token(), SecretStr(token()), fetch):
            pool = make_pool(dsn=tls, wallet_location=wallet, access_token=given, **NOBODY)
            with pool.acquire() as connection:
                assert who(connection) == ("SH", None)
            assert token() not in f"{pool!r}{pool.settings!r}"
        assert False in asked

    def test_a_token_connects_through_its_user(
        self, make_pool: MakePool, sandbox: Sandbox, tls: str, wallet: str
    ) -> None:
        sandbox.accept_token("sh", token())
        sandbox.grant_proxy("scott", "sh")
        pool = make_pool(dsn=tls, wallet_location=wallet, access_token=token(), user="[scott]", password=None)
        if int(pool.driver.version.partition(".")[0]) < 4:  # which would connect as sh
            with pytest.raises(ConfigurationError, match="does not connect through the user of a token"):
                pool.acquire()
            return

        with pool.acquire() as connection:
            assert who(connection) == ("SCOTT", "SH")

    def test_a_token_that_is_denied_or_over_is_told(
        self, make_pool: MakePool, sandbox: Sandbox, tls: str, wallet: str
    ) -> None:
        with pytest.raises(LogOnError, match="external user@.*ORA-01017"):
            make_pool(dsn=tls, wallet_location=wallet, access_token=token(name="x"), **NOBODY).acquire()
        with pytest.raises(LogOnError, match="DPY-2033: access token has expired"):
            make_pool(dsn=tls, wallet_location=wallet, access_token=token(1000), **NOBODY).acquire()

    def test_a_token_needs_tls(self, make_pool: MakePool) -> None:
        with pytest.raises(LogOnError, match="DPY-2034: access_token requires use of the tcps protocol"):
            make_pool(access_token=token(), **NOBODY).acquire()


@pytest.mark.parametrize("driver", ["cx_oracle"])
class TestWithCxOracle:
    def test_a_wallet_is_looked_for(self, make_pool: MakePool, tls: str, tmp_path: Path) -> None:
        with pytest.raises(LogOnError, match="ORA-28759"):  # failure to open file
            make_pool(dsn=tls, wallet_location=tmp_path).acquire()

    def test_what_it_has_not_is_told(self, make_pool: MakePool) -> None:
        with pytest.raises(ConfigurationError, match="access_token: cx_Oracle 8.3 does not log on by token: use drive"):
            make_pool(access_token="t", **NOBODY).acquire()
        with pytest.raises(ConfigurationError, match="wallet_password: Oracle Client opens wallets by themselves only"):
            make_pool(wallet_location="/w", wallet_password="w").acquire()
        with pytest.raises(ConfigurationError, match="does not connect through an external user"):
            make_pool(externalauth=True, user="[sh]", password=None).acquire()

    def test_the_operating_systems_user_logs_on(self, make_pool: MakePool, sandbox: Sandbox) -> None:
        sandbox.identify_externally("sh", getpass.getuser())
        pool = make_pool(externalauth=True, **NOBODY)

        for _ in range(3):
            with pool.acquire() as connection:
                assert who(connection) == ("SH", None)
        with pool.acquire(**SCOTT) as other:
            assert who(other) == ("SCOTT", None)

        assert pool.stats().log_ons == 2
        assert "external user@" in repr(pool)


def test_an_external_user_who_is_not_known_is_told(make_pool: MakePool) -> None:
    # python-oracledb before 26 has no external authentication in thin mode.
    with pytest.raises(LogOnError, match="external user@.*(ORA-01017|DPY-4001.*set user and password)"):
        make_pool(externalauth=True, **NOBODY).acquire()


def test_nobody_is_connected_through_an_external_user_that_is_not_named(make_pool: MakePool) -> None:
    pool = make_pool(externalauth=True, **NOBODY)

    with pytest.raises(ConfigurationError, match="user 'sh' needs a password: the settings name no user"):
        pool.acquire(user="sh")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"externalauth": True, "password": "tiger"}, "password and externalauth both say how to log on: set one"),
        ({"access_token": "t", "password_file": "f"}, "password_file and access_token both say how to log on"),
        ({"access_token": "t", "externalauth": "yes"}, "externalauth and access_token both say how to log on"),
        ({"externalauth": True, "user": "scott"}, "user='scott' contradicts externalauth, which says who it is"),
        ({"access_token": "t", "user": "scott"}, "user='scott' contradicts access_token, which says who it is"),
        ({"externalauth": False, "user": "scott"}, "password is not set"),
        ({"externalauth": "perhaps"}, "externalauth: input should be a valid boolean"),
        ({"password": "tiger"}, "user is not set"),
        ({"access_token": ""}, "access_token: input should be a token, a token and a private key, or a function"),
        ({"access_token": ["a", "b", "c"]}, "access_token: input should be a token, a token and a private key"),
        ({**SCOTT, "wallet_password": "w"}, "wallet_password is set, and wallet_location is not"),
        ({"dsn": None, "url": "oracle://scott:tiger@db/x", "externalauth": True}, "the url has a password, and exter"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(**{**PLACE, **given})


def test_a_url_without_user_and_password_is_enough() -> None:
    settings = load_settings(url="oracle://db1:1521/?service_name=SALES", externalauth="true")

    assert (settings.user, settings.has_password, settings.dsn) == (None, False, "db1:1521/SALES")


def test_an_earlier_place_decides_how_to_log_on(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"ORAPOOL_DSN": "db/x", "ORAPOOL_USER": "scott", "ORAPOOL_PASSWORD": "tiger"}
    assert load_settings(config=config, externalauth=False).has_password

    monkeypatch.setenv("ORAPOOL_ACCESS_TOKEN", "t")
    monkeypatch.setenv("ORAPOOL_USER", "[sh]")
    settings = load_settings(config=config)

    assert (settings.driver_token(), settings.user, settings.password) == ("t", "[sh]", None)


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from orapool.cli.config import config

    for name, value in {
        "DSN": "db/x",
        "ACCESS_TOKEN": "swordfish",
        "WALLET_LOCATION": "/w",
        "WALLET_PASSWORD": "halibut",
    }.items():
        monkeypatch.setenv(f"ORAPOOL_{name}", value)

    for options in ([], ["--json"]):
        result = CliRunner().invoke(config, options)

        assert result.exit_code == 0
        assert "wallet_location" in result.output
        assert result.output.count("***") == 2
        assert "swordfish" not in result.output
        assert "halibut" not in result.output
    assert "halibut" not in repr(load_settings())


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("tcps://db/x", "(SECURITY=(MY_WALLET_DIRECTORY=/w)))"),
        ("tcps://db/x?ssl_server_dn_match=on", "(SECURITY=(SSL_SERVER_DN_MATCH=ON)(MY_WALLET_DIRECTORY=/w)))"),
        ("tcps://db/x?wallet_location=/own", "(SECURITY=(MY_WALLET_DIRECTORY=/own)))"),
        (
            "(DESCRIPTION_LIST=(LOAD_BALANCE=ON)"
            "(DESCRIPTION=(ADDRESS=(HOST=a))(CONNECT_DATA=(SID=a)))(DESCRIPTION=(ADDRESS=(HOST=b))(CONNECT_DATA=(SID=b))))",
            "(DESCRIPTION=(ADDRESS=(HOST=a))(CONNECT_DATA=(SID=a))(SECURITY=(MY_WALLET_DIRECTORY=/w)))"
            "(DESCRIPTION=(ADDRESS=(HOST=b))(CONNECT_DATA=(SID=b))(SECURITY=(MY_WALLET_DIRECTORY=/w))))",
        ),
    ],
)
def test_a_wallet_stands_in_each_description(dsn: str, expected: str) -> None:
    assert with_connect_timeouts(dsn, 0, 0, wallet=Path("/w")).endswith(expected)


def test_a_wallets_path_may_have_spaces(make_pool: MakePool, sandbox: Sandbox, tls: str, tmp_path: Path) -> None:
    folder = tmp_path / "my wallet"
    folder.mkdir()
    source = Path(sandbox.make_wallet()) / "ewallet.pem"
    (folder / "ewallet.pem").write_bytes(source.read_bytes())

    pool = make_pool(dsn=tls, wallet_location=folder)

    if pool.driver.name == "oracledb":
        pool.acquire().close()
    else:
        with pytest.raises(LogOnError, match="ORA-28759"):  # it wants a cwallet.sso there
            pool.acquire()


def test_a_token_of_two_parts_is_passed_on() -> None:
    settings = load_settings(**PLACE, access_token=["token", "key"])

    assert settings.driver_token() == ("token", "key")
    assert "key" not in repr(settings)
