"""How many sessions all workers open: the calculation, the command, and the warning."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import orapool
from orapool import pools
from orapool.cli import main
from orapool.sandbox import Sandbox
from orapool.sizing import Server, Sizing, default_sessions

URL = "oracle://scott:tiger@127.0.0.1:1/?service_name=SALES"


def sizing(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["sizing", *arguments])


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pools, "_settings", {})
    monkeypatch.chdir(tmp_path)


class TestTheCalculation:
    def test_each_session_is_a_process_too(self) -> None:
        assert Server("given", processes=100, sessions=300).limit == 100
        assert Server("given", processes=500, sessions=300).limit == 300
        assert Server("given", sessions=300).limit == 300
        assert Server("given").limit is None

    def test_what_is_not_given_is_oracle_s_default(self) -> None:
        assert default_sessions(300) == 472
        assert Server("given", processes=300).limit == 300

    def test_others_have_a_fifth_unless_somebody_knows(self) -> None:
        assert Server("given", processes=100).left == 80
        assert Server("given", processes=100, others=70).left == 30
        assert Server("given", processes=100, others=170).left == 0
        assert Server("server_limit", granted=40).left == 40

    @pytest.mark.parametrize(
        ("most", "left", "fits", "largest", "recommended"),
        [(4, 40, True, 4, 4), (8, 40, False, 4, 4), (4, 30, False, 3, 3), (4, 5, False, 0, 0), (1, 400, True, 44, 4)],
    )
    def test_workers_times_max(self, most: int, left: int, fits: bool, largest: int, recommended: int) -> None:
        found = Sizing(workers=9, threads=4, max=most, server=Server("server_limit", granted=left))

        assert found.sessions == 9 * most
        assert (found.fits, found.largest_max, found.recommended_max) == (fits, largest, recommended)

    def test_scripts_have_a_session_each(self) -> None:
        found = Sizing(workers=9, threads=4, max=4, server=Server("server_limit", granted=37), scripts=2)

        assert (found.sessions, found.fits, found.largest_max) == (38, False, 3)


class TestTheCommand:
    def test_what_fits(self) -> None:
        result = sizing("--workers", "9", "--threads", "4", "--processes", "300")

        assert result.exit_code == 0
        assert result.output == (
            "9 workers x max 4: 36 sessions at most\n"
            "Server: processes 300, sessions 472, 60 of others (assumed: 20%; --others says it): 240 left\n"
            "It fits; max could be up to 26.\n"
        )

    def test_what_does_not(self) -> None:
        result = sizing("--workers=9", "--threads=4", "--max=8", "--scripts=2", "--processes=100", "--others=60")

        assert result.exit_code == 1
        assert result.output == (
            "9 workers x max 8: 72 sessions at most, and 2 of scripts: 74\n"
            "Server: processes 100, sessions 172, 60 of others: 40 left\n"
            "It does not fit: set max to 4, have fewer workers, or raise processes to 134.\n"
            "A worker with 4 threads uses 4 sessions at most: max may be that.\n"
        )

    def test_what_cannot(self) -> None:
        result = sizing("--workers=9", "--threads=2", "--sessions=8", "--others=0")

        assert result.exit_code == 1
        assert "It does not fit: no max does with 9 workers; have fewer, or raise sessions to 18." in result.output

    def test_threads_that_wait(self) -> None:
        result = sizing("--workers=9", "--threads=4", "--max=2", "--sessions=100")

        assert "Of 4 threads, 2 have a session at a time, and the others wait for one." in result.output

    def test_the_settings_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {"URL": URL, "MAX": "8", "WORKERS": "9", "SERVER_LIMIT": "50"}.items():
            monkeypatch.setenv(f"ORAPOOL_{name}", value)

        result = sizing("--threads", "8", "--json")

        assert result.exit_code == 1
        found = json.loads(result.output)
        assert (found["sessions"], found["server"]["left"], found["recommended_max"]) == (72, 50, 5)

    def test_nothing_is_known_of_the_server(self) -> None:
        result = sizing("--workers", "9", "--threads", "4")

        assert result.exit_code == 2
        assert result.output == (
            "9 workers x max 4: 36 sessions at most\n"
            "the server's limits are not known: give --processes, or --sessions\n"
        )

    def test_nobody_says_how_many_workers(self) -> None:
        result = sizing("--threads", "4")

        assert result.exit_code == 2
        assert "say how many processes have a pool: --workers, or the setting workers" in result.output

    def test_a_mistake_in_the_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ORAPOOL_URL", URL)
        monkeypatch.setenv("ORAPOOL_WORKERS", "0")

        result = sizing("--workers", "9")

        assert result.exit_code == 2
        assert "workers: input should be greater than or equal to 1" in result.output


class TestAskingTheServer:
    @pytest.fixture(autouse=True)
    def _configured(self, sandbox: Sandbox, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {"DSN": sandbox.dsn, "USER": "scott", "PASSWORD": "tiger", "DRIVER": driver}.items():
            monkeypatch.setenv(f"ORAPOOL_{name}", value)

    def test_it_says_its_limits_and_what_others_use(self, connect, sandbox: Sandbox) -> None:
        others = [connect(user="sh", password="sales") for _ in range(3)]

        result = sizing("--workers", "9", "--threads", "4")

        assert len(others) == 3
        assert (result.exit_code, sandbox.stats().sessions) == (0, 3)
        assert "Server: processes 500, sessions 500 (V$RESOURCE_LIMIT), 3 of others: 497 left" in result.output

    def test_views_that_this_user_cannot_see(self, connect) -> None:
        # A table of the user's own hides the view.
        cursor = connect().cursor()
        cursor.execute('create table "V$RESOURCE_LIMIT" (hidden number(1))')
        try:
            without_one = sizing("--workers=199", "--threads=4")
            cursor.execute('create table "V$PARAMETER" (hidden number(1))')
            without_both = sizing("--workers=199", "--threads=4")
            told = sizing("--workers=199", "--threads=4", "--sessions=1000")
        finally:
            cursor.execute('drop table "V$RESOURCE_LIMIT"')
            cursor.execute('drop table "V$PARAMETER"')

        assert without_one.exit_code == 1
        assert "Server: processes 500, sessions 500 (V$PARAMETER), 0 of others: 500 left" in without_one.output
        assert without_both.exit_code == 2
        assert "V$RESOURCE_LIMIT and V$PARAMETER cannot be read: ORA-00904" in without_both.output
        assert "the server's limits are not known: give --processes, or --sessions" in without_both.output
        assert told.exit_code == 0

    def test_it_is_away(self, sandbox: Sandbox) -> None:
        sandbox.stop()
        try:
            result = sizing("--workers=9", "--threads=4")
        finally:
            sandbox.start()

        assert result.exit_code == 2
        assert "9 workers x max 4: 36 sessions at most" in result.output
        assert "check host, port and service" in result.output


class TestTheWarning:
    def test_it_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(3):
            orapool.configure(url=URL, max=8, workers=9, server_limit=50)
            orapool.pool()
        orapool.close()

        assert caplog.record_tuples == [
            (
                "orapool.sizing",
                logging.WARNING,
                "pool 'default': 9 workers x max 8 are up to 72 sessions, more than server_limit 50: set max to 5 at "
                "most, or see `orapool sizing`",
            )
        ]

    def test_a_settings_file_alone_does_it_too(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "app.ini").write_text(f"[orapool]\nurl = {URL}\nworkers = 9\nserver_limit = 8\n")
        monkeypatch.setenv("ORAPOOL_CONFIG", str(tmp_path / "app.ini"))

        orapool.pool()
        orapool.pool()
        orapool.close()

        assert caplog.text.count("9 workers x max 4 are up to 36 sessions") == 1
        assert "have fewer workers" in caplog.text

    @pytest.mark.parametrize("settings", [{"workers": 9, "server_limit": 72}, {"workers": 99}, {"server_limit": 1}])
    def test_there_is_none_where_it_fits_or_nothing_is_known(
        self, caplog: pytest.LogCaptureFixture, settings: dict[str, int]
    ) -> None:
        orapool.configure(url=URL, max=8, **settings)

        assert caplog.text == ""
