"""TNS aliases: tnsnames.ora with all that Oracle Client reads in it, where it is looked for, what is wrong in it."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orapool.dsn.connect_strings import resolve
from orapool.dsn.tnsnames import NoTnsnames, UnknownAlias
from orapool.errors import ConfigurationError
from tests.dsn.conftest import WriteNames
from tests.dsn.test_descriptors import steady


def entry(service: str, host: str = "db") -> str:
    return f"(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT=1521))(CONNECT_DATA=(SERVICE_NAME={service})))"


def service(alias: str, folder: Path | None = None) -> str:
    """The service that an alias leads to."""
    [found] = resolve(alias, str(folder or "")).all("SERVICE_NAME")
    return found.text


FILE = f"""\ufeff# tnsnames.ora Network Configuration File: /home/oracle # generated
sales = {entry("sales")}

SPREAD.example.com =
  (DESCRIPTION =                # two nodes (a cluster)
    (ADDRESS_LIST =
      (LOAD_BALANCE = yes)
      # (ADDRESS = (PROTOCOL = TCP)(HOST = old)(PORT = 1521))
      (ADDRESS = (PROTOCOL = TCP)(HOST = db1)(PORT = 1521))
      (ADDRESS = (PROTOCOL = TCP)(HOST = db2)(PORT = 1522))
    )
    (CONNECT_DATA =
      (SERVER = DEDICATED)
      (SERVICE_NAME = spread)
      (FAILOVER_MODE = (TYPE = SELECT)(METHOD = BASIC)(RETRIES = 3)(DELAY = 5))
    )
  )

one, two,  THREE = {entry("many")}
left=
(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))
(CONNECT_DATA=(SERVICE_NAME=left)))
below
  =
  {entry("below")}
   indented = {entry("indented")}
easy = db:1522/easy  # a comment
plus =
  tcps://db1,db2:1522/plus?retry_count=3
other = sales
hash = {entry('"a#b"')}
quoted = "{entry("quoted")}"
again = {entry("first")}
again = {entry("second")}
many = {entry("parentheses")})) )
a-b_c.d$1 = {entry("odd")}
latin = {entry("latin")} # Zürich
"""


@pytest.mark.parametrize(
    ("alias", "found"),
    [
        ("sales", "sales"),
        ("SALES", "sales"),
        (" sales\n", "sales"),
        ("spread.example.com", "spread"),
        ("one", "many"),
        ("Two", "many"),
        ("three", "many"),
        ("left", "left"),
        ("below", "below"),
        ("indented", "indented"),
        ("easy", "easy"),
        ("plus", "plus"),
        ("other", "sales"),
        ("hash", "a#b"),
        ("quoted", "quoted"),
        ("again", "second"),
        ("many", "parentheses"),
        ("a-b_c.d$1", "odd"),
        ("latin", "latin"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_alias_is_found(write_names: WriteNames, alias: str, found: str, line_end: str) -> None:
    folder = write_names(FILE.replace("\n", line_end))

    assert service(alias, folder) == found


def test_an_entry_may_have_several_addresses(write_names: WriteNames) -> None:
    assert str(resolve("spread.example.com", str(write_names(FILE)))) == (
        "(DESCRIPTION=(ADDRESS_LIST=(LOAD_BALANCE=yes)(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))"
        "(ADDRESS=(PROTOCOL=TCP)(HOST=db2)(PORT=1522)))(CONNECT_DATA=(SERVER=DEDICATED)(SERVICE_NAME=spread)"
        "(FAILOVER_MODE=(TYPE=SELECT)(METHOD=BASIC)(RETRIES=3)(DELAY=5))))"
    )


def test_a_file_in_an_older_encoding_is_read(write_names: WriteNames) -> None:
    folder = write_names("")
    (folder / "tnsnames.ora").write_bytes(f"# Zürich\nsales = {entry('sales')}\n".encode("latin-1"))

    assert service("sales", folder) == "sales"


class TestWhereItIsLookedFor:
    @pytest.fixture(autouse=True)
    def _everywhere(self, write_names: WriteNames, monkeypatch: pytest.MonkeyPatch) -> None:
        for folder in ("set", "tns", "oracle/network/admin"):
            write_names(f"sales = {entry(folder.partition('/')[0])}\n", folder=folder)
        write_names(f"mine = {entry('mine')}\n", ".tnsnames.ora", "home")
        self.folder = write_names("", "libclntsh.so.19.1", "client").parent
        write_names(f"sales = {entry('client')}\n", folder="client/network/admin")

    def test_config_dir_comes_first_and_is_the_only_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TNS_ADMIN", str(self.folder / "tns"))

        assert service("sales", self.folder / "set") == "set"
        with pytest.raises(UnknownAlias):
            service("mine", self.folder / "set")

    def test_then_tns_admin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TNS_ADMIN", str(self.folder / "tns"))
        monkeypatch.setenv("ORACLE_HOME", str(self.folder / "oracle"))

        assert service("sales") == "tns"

    def test_then_oracle_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TNS_ADMIN", str(self.folder / "empty"))
        monkeypatch.setenv("ORACLE_HOME", str(self.folder / "oracle"))
        monkeypatch.setenv("LD_LIBRARY_PATH", str(self.folder / "client"))

        assert service("sales") == "oracle"

    def test_then_the_instant_client(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere::{self.folder / 'client'}")

        assert service("sales") == "client"

    def test_that_of_the_user_wins_over_the_systems(
        self, write_names: WriteNames, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TNS_ADMIN", str(self.folder / "tns"))
        assert (service("mine"), service("sales")) == ("mine", "tns")

        write_names(f"sales = {entry('mine too')}\n", ".tnsnames.ora", "home")

        assert service("sales") == "mine too"

    def test_nowhere_means_that_all_places_are_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", "/nobody")
        monkeypatch.setenv("TNS_ADMIN", "/opt/tns")
        monkeypatch.setenv("ORACLE_HOME", "/opt/oracle")

        with pytest.raises(NoTnsnames) as raised:
            resolve("sales")

        assert str(raised.value) == (
            "TNS alias 'sales': there is no tnsnames.ora in /nobody, /opt/tns, /etc, /opt/oracle/network/admin. Set "
            "config_dir, or the variable TNS_ADMIN, to its folder; if 'sales' is a host, write sales:1521/service_name"
        )


def test_the_default_domain_of_sqlnet_ora_is_added(write_names: WriteNames) -> None:
    folder = write_names(f"sales.world = {entry('world')}\nplain = {entry('plain')}\n")
    write_names("# NAMES.DEFAULT_DOMAIN = moon\nnames.default_domain = world\n", "sqlnet.ora")

    assert [service(alias, folder) for alias in ("sales", "sales.world", "plain")] == ["world", "world", "plain"]


class TestIncludedFiles:
    def test_files_are_included_from_the_folder_of_the_file_that_names_them(self, write_names: WriteNames) -> None:
        folder = write_names(f"IFILE = more/teams.ora\nsales = {entry('sales')}\n")
        write_names(f'hr = {entry("hr")}\nifile="legal.ora"\n', "teams.ora", "admin/more")
        write_names(f"legal = {entry('legal')}\n", "legal.ora", "admin/more")

        assert [service(alias, folder) for alias in ("sales", "hr", "legal")] == ["sales", "hr", "legal"]

    def test_a_full_path_and_variables_are_understood(
        self, write_names: WriteNames, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = write_names(f"hr = {entry('hr')}\n", "hr.ora", "elsewhere")
        monkeypatch.setenv("TEAM_FILES", str(elsewhere))

        assert service("hr", write_names("IFILE=$TEAM_FILES/hr.ora\n")) == "hr"
        assert service("hr", write_names(f"IFILE={elsewhere}/hr.ora\n")) == "hr"

    @pytest.mark.parametrize(("text", "found"), [("IFILE=in.ora\na={out}\n", "out"), ("a={out}\nIFILE=in.ora\n", "in")])
    def test_the_later_entry_counts(self, write_names: WriteNames, text: str, found: str) -> None:
        write_names(f"a = {entry('in')}\n", "in.ora")

        assert service("a", write_names(text.replace("{out}", entry("out")))) == found

    def test_a_circle_is_left_out_and_told(self, write_names: WriteNames, caplog: pytest.LogCaptureFixture) -> None:
        folder = write_names(f"IFILE=in.ora\nsales = {entry('sales')}\n")
        write_names(f"IFILE=tnsnames.ora\nhr = {entry('hr')}\n", "in.ora")
        circle = f"{folder}/tnsnames.ora includes {folder}/in.ora includes {folder}/tnsnames.ora: a circle, of which"

        assert [service(alias, folder) for alias in ("sales", "hr")] == ["sales", "hr"]
        assert circle in caplog.text
        with pytest.raises(UnknownAlias, match=circle):
            service("legal", folder)

    def test_they_go_eight_deep_and_no_deeper(self, write_names: WriteNames, caplog: pytest.LogCaptureFixture) -> None:
        folder = write_names("IFILE=1.ora\n")
        for depth in range(1, 12):
            write_names(f"at{depth} = {entry(str(depth))}\nIFILE={depth + 1}.ora\n", f"{depth}.ora")

        assert service("at8", folder) == "8"
        with pytest.raises(UnknownAlias, match="9.ora: deeper than 8, and the last is left out"):
            service("at9", folder)

    def test_one_that_is_missing_is_told(self, write_names: WriteNames, caplog: pytest.LogCaptureFixture) -> None:
        folder = write_names(f"IFILE=gone.ora\nsales = {entry('sales')}\n")
        problem = f"{folder}/tnsnames.ora includes {folder}/gone.ora, which cannot be read: No such file or directory"

        with caplog.at_level(logging.WARNING, logger="orapool.dsn"):
            assert service("sales", folder) == "sales"

        assert problem in caplog.text
        with pytest.raises(UnknownAlias, match=problem):
            service("hr", folder)


@pytest.mark.parametrize(
    ("text", "alias", "known"),
    [
        ("sales = {}\nsalt = {}\nhr = {}\n", "slaes", "did you mean SALES?"),
        ("hr = {}\nsales = {}\n", "legal", "it has HR, SALES"),
        ("# nothing\n", "legal", "it has no entries"),
        ("".join(f"a{i} = {{}}\n" for i in range(10, 30)), "legal", "it has A10, A11, A12, .*A19 and others"),
    ],
)
def test_an_unknown_alias_is_told_with_the_file_and_the_nearest(
    write_names: WriteNames, text: str, alias: str, known: str
) -> None:
    folder = write_names(text.replace("{}", entry("x")))

    with pytest.raises(UnknownAlias, match=rf"TNS alias '{alias}' is not in {folder}/tnsnames.ora: {known}"):
        service(alias, folder)


BROKEN = f"""# the first line
sales =
  (DESCRIPTION =
    (ADDRESS = (PROTOCOL = TCP)(HOST = db)(PORT 1521))  # no equals sign
    (CONNECT_DATA = (SERVICE_NAME = sales)))
open = (DESCRIPTION = (ADDRESS = (HOST = db))
hr = {entry("hr")}
twice = {entry("a")} {entry("b")}
port = db:15x1/sales
empty =
round = about
about = round
hash = {entry("a#b")}
"""


@pytest.mark.parametrize(
    ("alias", "place", "line"),
    [
        (
            "sales",
            "line 4, column 49: '=' belongs here, after PORT",
            "    (ADDRESS = (PROTOCOL = TCP)(HOST = db)(PORT 1521))",
        ),
        ("open", "line 6, column 46: it lacks 1 closing parenthesis", "open = (DESCRIPTION = (ADDRESS = (HOST = db))"),
        ("port", "line 9, column 11: a port, from 1 to 65535, belongs here", "port = db:15x1/sales"),
        ("empty", "line 10, column 8: a connect descriptor belongs here", "empty ="),
    ],
)
def test_a_broken_entry_is_told_with_file_line_and_column(
    write_names: WriteNames, alias: str, place: str, line: str
) -> None:
    folder = write_names(BROKEN)

    with pytest.raises(ConfigurationError) as raised:
        service(alias, folder)

    column = int(place.partition("column ")[2].partition(":")[0])
    assert str(raised.value) == (
        f"TNS alias {alias!r} cannot be read: {folder}/tnsnames.ora, {place}:\n    {line}\n    {' ' * (column - 1)}^"
    )


def test_what_follows_an_entry_is_told(write_names: WriteNames) -> None:
    with pytest.raises(
        ConfigurationError, match="line 8, column .*: the connect descriptor ends before this character"
    ):
        service("twice", write_names(BROKEN))


def test_a_comment_that_swallows_parentheses_is_found(write_names: WriteNames) -> None:
    with pytest.raises(ConfigurationError, match="line 13, column .*: it lacks 3 closing parentheses"):
        service("hash", write_names(BROKEN))


def test_an_alias_that_leads_back_to_itself_is_told(write_names: WriteNames) -> None:
    with pytest.raises(ConfigurationError, match="TNS alias 'ROUND' leads back to itself: ROUND = ABOUT = ROUND"):
        service("round", write_names(BROKEN))


def test_an_entry_after_a_broken_one_is_whole(write_names: WriteNames) -> None:
    assert service("hr", write_names(BROKEN)) == "hr"


def test_a_file_that_may_not_be_read_is_told(write_names: WriteNames, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_names(f"sales = {entry('sales')}\n")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigurationError, match=f"{folder}/tnsnames.ora cannot be read: Permission denied"):
        service("sales", folder)


@settings(steady, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ab =(),#\"'\n\t:/I", max_size=40))
def test_whatever_stands_before_it_an_entry_is_found(write_names: WriteNames, text: str) -> None:
    folder = write_names(f"a = {entry('before')}\n{text}\nlast = {entry('last')}\n")

    for alias in ("a", "b", "ab"):
        with contextlib.suppress(ConfigurationError):
            resolve(alias, str(folder))
    assert service("last", folder) == "last"
