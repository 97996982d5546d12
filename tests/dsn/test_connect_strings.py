"""What a driver is given for a connect string, and which ports it names."""

from __future__ import annotations

import logging
import re

import pytest

from orapool.dsn import is_over_tcp, ports, with_connect_timeouts
from orapool.dsn.descriptors import parse
from orapool.dsn.tnsnames import NoTnsnames, UnknownAlias
from orapool.errors import ConfigurationError
from tests.dsn.conftest import WriteNames

DB = "(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1522))"
SALES = f"{DB}(CONNECT_DATA=(SERVICE_NAME=sales))"
LIMITS = "(CONNECT_TIMEOUT=10)(TRANSPORT_CONNECT_TIMEOUT=2)"


@pytest.mark.parametrize(
    ("dsn", "given"),
    [
        ("db:1522/sales", f"(DESCRIPTION={LIMITS}{SALES})"),
        ("db:1522:XE", f"(DESCRIPTION={LIMITS}{DB}(CONNECT_DATA=(SID=XE)))"),
        (f"(description={SALES})", f"(DESCRIPTION={LIMITS}{SALES})"),
        (
            f"(DESCRIPTION_LIST=(DESCRIPTION={SALES})(DESCRIPTION=(CONNECT_TIMEOUT=4){SALES}))",
            f"(DESCRIPTION_LIST=(LOAD_BALANCE=ON)(DESCRIPTION={LIMITS}{SALES})"
            f"(DESCRIPTION=(TRANSPORT_CONNECT_TIMEOUT=2)(CONNECT_TIMEOUT=4){SALES}))",
        ),
        (DB, f"(DESCRIPTION={LIMITS}{DB})"),
        (f"(ADDRESS_LIST={DB}{DB})", f"(DESCRIPTION={LIMITS}(ADDRESS_LIST={DB}{DB}))"),
        # What the user has set stays, in the form that both drivers take.
        (
            f"(DESCRIPTION=(CONNECT_TIMEOUT=1)(TRANSPORT_CONNECT_TIMEOUT=1){DB})",
            f"(DESCRIPTION=(CONNECT_TIMEOUT=1)(TRANSPORT_CONNECT_TIMEOUT=1){DB})",
        ),
        (
            f"(DESCRIPTION=(CONNECT_TIMEOUT=1){DB})",
            f"(DESCRIPTION=(TRANSPORT_CONNECT_TIMEOUT=1)(CONNECT_TIMEOUT=1){DB})",
        ),
        (
            f"(DESCRIPTION=(TRANSPORT_CONNECT_TIMEOUT=15){DB})",
            f"(DESCRIPTION=(CONNECT_TIMEOUT=15)(TRANSPORT_CONNECT_TIMEOUT=15){DB})",
        ),
        (
            f"(DESCRIPTION=(CONNECT_TIMEOUT=1500 ms)(TRANSPORT_CONNECT_TIMEOUT=1s)(RETRY_DELAY=1min){DB})",
            f"(DESCRIPTION=(CONNECT_TIMEOUT=2)(TRANSPORT_CONNECT_TIMEOUT=1)(RETRY_DELAY=60){DB})",
        ),
        (
            f"(DESCRIPTION=(LOAD_BALANCE=yes)(FAILOVER=true)(SDU= 8192 ){DB})",
            f"(DESCRIPTION={LIMITS}(LOAD_BALANCE=ON)(FAILOVER=ON)(SDU=8192){DB})",
        ),
        (
            f"(DESCRIPTION=(FAILOVER=no)(ADDRESS_LIST={DB}{DB})(ADDRESS_LIST=(FAILOVER=on){DB}))",
            f"(DESCRIPTION={LIMITS}(FAILOVER=OFF)(ADDRESS_LIST=(FAILOVER=OFF){DB}{DB})"
            f"(ADDRESS_LIST=(FAILOVER=ON){DB}))",
        ),
        (
            f"(DESCRIPTION={DB}(SECURITY=(WALLET_LOCATION=/w)))",
            f"(DESCRIPTION={LIMITS}{DB}(SECURITY=(MY_WALLET_DIRECTORY=/w)))",
        ),
        (
            f"(DESCRIPTION={DB}(CONNECT_DATA=(SID=XE)(FAILOVER_MODE=(TYPE=SELECT)(RETRIES=3))))",
            f"(DESCRIPTION={LIMITS}{DB}(CONNECT_DATA=(SID=XE)(FAILOVER_MODE=(TYPE=SELECT)(RETRIES=3))))",
        ),
        (" ldap://directory/cn=sales ", "ldap://directory/cn=sales"),
        ("config-file:///etc/db.json?key=a", "config-file:///etc/db.json?key=a"),
    ],
)
def test_limits_go_into_every_form(dsn: str, given: str) -> None:
    assert with_connect_timeouts(dsn, 10, 2) == given


@pytest.mark.parametrize(
    ("connect", "transport", "limits"),
    [
        (4.5, 2.5, "(CONNECT_TIMEOUT=5)(TRANSPORT_CONNECT_TIMEOUT=3)"),
        (0.2, 0.1, "(CONNECT_TIMEOUT=1)(TRANSPORT_CONNECT_TIMEOUT=1)"),
        (3, 9, "(CONNECT_TIMEOUT=3)(TRANSPORT_CONNECT_TIMEOUT=3)"),
        (4, 0, "(CONNECT_TIMEOUT=4)(TRANSPORT_CONNECT_TIMEOUT=4)"),
        (0, 2, "(TRANSPORT_CONNECT_TIMEOUT=2)"),
        (0, 0, ""),
    ],
)
def test_limits_are_whole_seconds_and_none_where_they_are_zero(connect: float, transport: float, limits: str) -> None:
    assert with_connect_timeouts(f"(DESCRIPTION={DB})", connect, transport) == f"(DESCRIPTION={limits}{DB})"


def test_a_tns_alias_gets_them_too(write_names: WriteNames, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_names(f"sales = (DESCRIPTION={SALES})\n")
    monkeypatch.setenv("TNS_ADMIN", str(folder))

    assert with_connect_timeouts("sales", 10, 2, str(folder)) == f"(DESCRIPTION={LIMITS}{SALES})"
    assert with_connect_timeouts("SALES", 10, 2, thin=True) == f"(DESCRIPTION={LIMITS}{SALES})"


class TestAnAliasThatIsNotFound:
    def test_is_for_oracle_client_to_find_where_there_is_no_tnsnames_ora(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, logger="orapool.dsn"):
            assert with_connect_timeouts("nix", 10, 2, "/nowhere") == "nix"
            assert with_connect_timeouts("nix", 10, 2, "/nowhere") == "nix"

        [said] = caplog.messages
        assert said.startswith("TNS alias 'nix': there is no tnsnames.ora in /nowhere. Set config_dir")
        assert said.endswith("Oracle Client may know it: it is passed on, without limits for log-ons")

    def test_is_an_error_in_thin_mode(self) -> None:
        with pytest.raises(NoTnsnames, match="TNS alias 'nix': there is no tnsnames.ora in /nowhere"):
            with_connect_timeouts("nix", 10, 2, "/nowhere", thin=True)

    @pytest.mark.parametrize("thin", [False, True])
    def test_is_an_error_where_there_is_one(self, write_names: WriteNames, thin: bool) -> None:
        folder = write_names(f"sales = (DESCRIPTION={SALES})\n")
        write_names("NAMES.DIRECTORY_PATH = (TNSNAMES, EZCONNECT)\n", "sqlnet.ora")

        with pytest.raises(UnknownAlias, match="TNS alias 'slaes' is not in .*: did you mean SALES?"):
            with_connect_timeouts("slaes", 10, 2, str(folder), thin)

    @pytest.mark.parametrize(
        ("name", "text"), [("sqlnet.ora", "NAMES.DIRECTORY_PATH = (TNSNAMES, LDAP)\n"), ("ldap.ora", "")]
    )
    def test_is_for_oracle_client_to_find_where_it_is_told_of_a_directory(
        self, write_names: WriteNames, name: str, text: str
    ) -> None:
        folder = write_names(f"sales = (DESCRIPTION={SALES})\n")
        write_names(text, name)

        assert with_connect_timeouts("hr", 10, 2, str(folder)) == "hr"
        with pytest.raises(UnknownAlias):
            with_connect_timeouts("hr", 10, 2, str(folder), thin=True)


@pytest.mark.parametrize(
    ("setting", "group", "said"),
    [
        ("(FAILOVER_MODE=(TYPE=SELECT))", "CONNECT_DATA", "FAILOVER_MODE .* has no Transparent Application Failover"),
        ("(ENABLE=BROKEN)", "DESCRIPTION", "ENABLE .* has no ENABLE=BROKEN: orapool sets TCP keep-alive itself"),
    ],
)
def test_what_thin_mode_has_not_is_said_once_and_left_out(
    setting: str, group: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = setting if group == "CONNECT_DATA" else ""
    outside = setting if group == "DESCRIPTION" else ""
    dsn = f"(DESCRIPTION={outside}{DB}(CONNECT_DATA=(SID=XE){data}))"

    assert setting in with_connect_timeouts(dsn, 10, 2)
    assert caplog.messages == []
    for _ in range(3):
        assert with_connect_timeouts(dsn, 10, 2, thin=True) == f"(DESCRIPTION={LIMITS}{DB}(CONNECT_DATA=(SID=XE)))"

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert re.search(said, record.getMessage())


@pytest.mark.parametrize(
    ("dsn", "named"),
    [
        ("db/sales", {1521}),
        ("db:1522/sales", {1522}),
        ("db1:1,db2,db3:2/sales", {1, 2}),
        ("db:1522:XE", {1522}),
        ("(DESCRIPTION=(ADDRESS=(HOST=a)(PORT = 1522))(ADDRESS=(HOST=b)(port=1523)))", {1522, 1523}),
        ("(DESCRIPTION=(ADDRESS=(HOST=a)))", {1521}),
        ('(DESCRIPTION=(ADDRESS=(HOST=a)(PORT="1522")))', {1522}),
        ("nix", {1521}),
        ("ldap://directory/cn=sales", {1521}),
    ],
)
def test_the_ports_that_it_names(dsn: str, named: set[int]) -> None:
    assert ports(dsn, "/nowhere") == named


@pytest.mark.parametrize("protocol", ["TCP", "tcps", "IPC", "beq"])
def test_whether_it_is_over_tcp(write_names: WriteNames, protocol: str) -> None:
    descriptor = f"(DESCRIPTION=(ADDRESS=(PROTOCOL={protocol})(HOST=db)(PORT=1521)(KEY=k))(CONNECT_DATA=(SID=FREE)))"
    folder = write_names(f"SALES = {descriptor}\n")

    assert is_over_tcp(descriptor) is is_over_tcp("SALES", folder) is protocol.upper().startswith("TCP")


def test_the_ports_of_an_alias(write_names: WriteNames) -> None:
    assert ports("sales", str(write_names("sales = db1:7,db2:8/sales\n"))) == {7, 8}


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="it lacks 1 closing parenthesis"):
        with_connect_timeouts(f"(DESCRIPTION={SALES}", 10, 2)


def test_what_a_driver_is_given_is_understood_again() -> None:
    given = with_connect_timeouts("tcps://db1,db2/sales?wallet_location=/my own&retry_count=1", 10, 2)

    assert with_connect_timeouts(given, 3, 3) == str(parse(given)) == given
