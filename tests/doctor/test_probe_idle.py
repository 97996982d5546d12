"""`orapool doctor --probe-idle` finds the limit for idle connections, and what happens at it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner

from orapool import cli
from orapool.doctor import Case, Verdict, examine
from orapool.doctor.durations import durations, in_units
from orapool.doctor.idle_probe import IdleProbe, Outcome, Probe
from orapool.doctor.idle_report import Limit, advise, find_limit
from orapool.sandbox import Sandbox
from orapool.settings import PoolSettings, load_settings
from tests.conftest import DRIVERS, THICK
from tests.doctor.idle_limits import LIMITS, idle_limits
from tests.firewall import Firewall

KINDS = {"drop": Outcome.DROPPED, "reset": Outcome.RESET, "close": Outcome.CLOSED}
TIMES = (1.0, 5.0, 11.0)
"""Seconds, with those of the limits in between, far enough from each for a slow machine."""
RUNS = [(driver, kind, limit) for driver in DRIVERS for kind in KINDS for limit in LIMITS]


@pytest.fixture(scope="module")
def probed(running_firewall: Firewall) -> Iterator[dict[tuple[str, str, int], IdleProbe]]:
    """All runs, side by side, by driver, kind and limit: together they take as long as the longest time."""
    with idle_limits(running_firewall) as limits:
        found = {}
        for driver, kind, limit in RUNS:
            given = {**limits.settings(kind, limit), "driver": driver, "thick": THICK}
            case = Case("test", lambda given=given: load_settings("test", **given), timeout=2)  # type: ignore[misc]
            assert next(examine(case, ("driver",))).verdict is Verdict.GOOD
            found[driver, kind, limit] = IdleProbe(case, TIMES)
        for probe in found.values():
            probe.open()
        threads = [threading.Thread(target=finish, args=(probe,)) for probe in found.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        yield found


def finish(probe: IdleProbe) -> None:
    """Wait for a run's end, and let go of what it has opened."""
    probe.wait()
    probe.close()


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_is_found_with_what_happens_at_it(
    probed: dict[tuple[str, str, int], IdleProbe], driver: str, kind: str, limit: int
) -> None:
    probe = probed[driver, kind, limit]
    found = find_limit(probe.probes)

    survived = max(seconds for seconds in TIMES if seconds < limit)
    outcomes = [KINDS[kind] if seconds > limit else Outcome.ALIVE for seconds in TIMES]
    assert [each.outcome for each in probe.probes] == outcomes, probe.probes
    assert (found.alive, found.how, found.plain) == (survived, KINDS[kind], True) or kind == "close"
    assert found.dead is not None
    assert found.dead <= min(seconds for seconds in TIMES if seconds > limit)
    if kind == "close":  # whose goodbye is heard when it comes
        assert found.exact
        assert limit - 0.5 <= found.dead < limit + 2
    assert probe.unwatched
    assert [each.stirred for each in probe.probes if each.outcome is Outcome.ALIVE] == [0] * outcomes.count(
        Outcome.ALIVE
    )


@pytest.mark.usefixtures("settings")
class TestTheCommand:
    def test_nothing_is_cut(self, settings: Callable[..., None]) -> None:
        settings()

        result = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "1s", "--json"])

        told = json.loads(result.output)
        assert result.exit_code == 0
        assert [(each["seconds"], each["outcome"]) for each in told["connections"]] == [(1.0, "alive")]
        assert (told["keep_alive_off"], told["alive_after"], told["dead_after"]) == (True, 1.0, None)
        assert "tiger" not in result.output

    def test_keep_alive_of_the_connect_string_is_left_out(
        self, settings: Callable[..., None], sandbox: Sandbox
    ) -> None:
        dsn = f"127.0.0.1:{sandbox.port}/ORAPOOL?expire_time=1"
        settings(dsn=dsn)

        result = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "1s"])

        assert result.exit_code == 0
        assert "the kernel confirms that keep-alive is off on each" in result.output
        assert "Alive after 1 s: no limit up to there" in result.output

    def test_the_profiles_idle_time(self, settings: Callable[..., None], sandbox: Sandbox) -> None:
        settings()
        sandbox.limit_idle("scott", 0.5)

        result = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "1s"])

        assert result.exit_code == 1
        assert "Dead after 1 s (closed by the server)" in result.output
        assert "IDLE_TIME of the user's profile" in result.output

    def test_a_database_that_does_not_answer(self, settings: Callable[..., None], sandbox: Sandbox) -> None:
        settings()
        case = Case("default", load_settings, timeout=1)
        assert next(examine(case, ("driver",))).verdict is Verdict.GOOD
        probe = IdleProbe(case, [1.0])
        probe.open()
        sandbox.freeze()

        probe.wait()
        probe.close()

        assert [each.outcome for each in probe.probes] == [Outcome.MUTE]
        assert "did not answer" in advise(find_limit(probe.probes), probe.probes, case.known()).lines[-1]

    def test_a_database_that_is_not_reached(self, settings: Callable[..., None], sandbox: Sandbox) -> None:
        settings()
        sandbox.refuse()

        result = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "1s"])
        as_json = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "1s", "--json"])

        assert (result.exit_code, as_json.exit_code) == (1, 1)
        assert "It fails at: port" in result.output
        assert json.loads(as_json.output)["fails_at"] == "port"

    def test_times_that_are_none(self) -> None:
        result = CliRunner().invoke(cli.main, ["doctor", "--probe-idle", "5 minutes"])

        assert result.exit_code == 2
        assert "'5 minutes' is no duration: write 90s, 5m or 1h" in result.output

    def test_it_can_be_stopped_and_tells_what_is_known(self, settings: Callable[..., None]) -> None:
        settings()
        command = [sys.executable, "-m", "orapool.cli", "doctor", "--probe-idle", "1s,10m"]
        terminal, other = pty.openpty()
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=other, text=True, env=dict(os.environ))
        os.close(other)
        shown = b""
        while b"1 s alive" not in shown:  # the progress, which is for terminals
            shown += os.read(terminal, 4096)

        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
        os.close(terminal)

        assert run.returncode == 130
        assert b"Idle" in shown
        lines = [" ".join(line.split()) for line in output.splitlines()]
        assert "1 s alive" in lines
        assert "10 m not known" in lines
        assert "Alive after 1 s: no limit up to there" in lines
        assert "-> It was stopped: the others are not known." in lines


# What follows from what was found


def settings_with(**given: object) -> PoolSettings:
    return load_settings("test", dsn="db1/SALES", user="scott", password="tiger", **given)


def probes(*found: tuple[float, Outcome]) -> list[Probe]:
    return [Probe(seconds, outcome, seconds) for seconds, outcome in found]


def test_the_limit_in_words() -> None:
    found = find_limit(probes((300, Outcome.ALIVE), (900, Outcome.ALIVE), (1800, Outcome.DROPPED)))

    assert found.in_words == "alive after 15 m, dead after 30 m (silently dropped)"


def test_keep_alive_at_a_third_of_what_was_survived() -> None:
    found = probes((300, Outcome.ALIVE), (900, Outcome.ALIVE), (1800, Outcome.DROPPED))

    wrong = advise(find_limit(found), found, settings_with(keepalive_idle=1200))
    right = advise(find_limit(found), found, settings_with())

    assert (wrong.keepalive_idle, wrong.trust, wrong.expire_time, wrong.heeded) == (300, 305.0, 5, False)
    assert wrong.lines[0].startswith("Set keepalive_idle=300 (it is 1200)")
    assert "(EXPIRE_TIME=5)" in " ".join(wrong.lines)
    assert (right.keepalive_idle, right.heeded) == (300, True)


def test_a_limit_below_expire_time() -> None:
    found = probes((30, Outcome.ALIVE), (60, Outcome.RESET))

    advice = advise(find_limit(found), found, settings_with())

    assert (advice.keepalive_idle, advice.expire_time, advice.heeded) == (10, None, False)
    assert "EXPIRE_TIME counts in minutes" in " ".join(advice.lines)


def test_no_limit_and_no_survivor() -> None:
    alive, dead = probes((60, Outcome.ALIVE)), probes((60, Outcome.DROPPED))

    assert advise(find_limit(alive), alive, settings_with()).heeded
    assert "try shorter ones" in advise(find_limit(dead), dead, settings_with()).lines[0]
    assert find_limit(dead).in_words == "dead after 1 m (silently dropped)"


def test_what_was_not_idle_is_told() -> None:
    stirred = [Probe(600, Outcome.ALIVE, 600, stirred=4), Probe(900, Outcome.WAITING)]

    lines = " ".join(advise(find_limit(stirred), stirred, settings_with()).lines)

    assert "The other side sent packets meanwhile (10 m)" in lines
    assert "It was stopped" in lines


def test_a_connection_that_lived_longer_than_one_that_died() -> None:
    found = find_limit(probes((60, Outcome.DROPPED), (120, Outcome.ALIVE)))

    assert not found.plain
    assert isinstance(found, Limit)


def test_durations() -> None:
    assert durations("1h, 5m,90,1.5m") == [90.0, 300.0, 3600.0]
    assert [in_units(each) for each in (8, 8.04, 90, 3600, 5400)] == ["8 s", "8.0 s", "1 m 30 s", "1 h", "1 h 30 m"]
    for wrong in ("", "5x", "0.5s", "5m,,6m", "-5m"):
        with pytest.raises(ValueError, match="is (no duration|too short)"):
            durations(wrong)
