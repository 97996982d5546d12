"""The status page of a server at work, in a browser: headless Chromium, Debian's."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orapool.sandbox import Sandbox
from orapool.watching.published import read
from tests.chromium import Chromium, find_chromium
from tests.families import children, environment
from tests.waiting import until

WORKERS = 3
NASTY = "<img src=x onerror=document.title='gotcha'>"
APP = f"""
import threading
import flask
import orapool
from orapool.flask import status_page

app = flask.Flask("shop")
status_page(app, "/_pool", allow=lambda: flask.request.cookies.get("user") == "admin")

@app.route("/order")
def order():
    with orapool.connection() as connection:
        connection.cursor().execute("select * from dual").fetchall()
    return ""

@app.route("/export")
def export():
    def hold():
        with orapool.connection():
            threading.Event().wait()
    threading.Thread(target=hold, name="{NASTY}", daemon=True).start()
    return ""

@app.route("/report")
def report():
    with orapool.connection("reports") as connection:
        orapool.pool("reports").drop(connection)
    return ""
"""
OTHER = """
import sys, threading
import orapool
connection = orapool.connection()
print("ready", flush=True)
threading.Event().wait()
"""


@dataclass
class Server:
    """Gunicorn with the application.

    Attributes:
        published: where its numbers are.
    """

    pid: int
    port: int
    published: Path

    def get(self, path: str, who: str = "admin") -> tuple[int, str]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Cookie": f"user={who}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def order(self) -> None:
        """A request that takes a session."""
        assert self.get("/order")[0] == 200

    def data(self) -> dict[str, Any]:
        """What the page shows."""
        found: dict[str, Any] = json.loads(self.get("/_pool/data.json")[1])
        return found

    def pools(self, name: str = "default") -> list[dict[str, Any]]:
        """Those of a name."""
        return [pool for pool in self.data()["pools"] if pool["pool"] == name]


@pytest.fixture(scope="module")
def server(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One, with orders on all workers for some seconds, and another program of the same user beside it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "shop.py").write_text(APP, encoding="utf-8")
    (folder / "other.py").write_text(OTHER, encoding="utf-8")
    url = f"oracle://scott:tiger@{running_sandbox.dsn.partition('/')[0]}/?service_name=ORAPOOL"
    settings = {
        "URL": url,
        "REPORTS_URL": url,
        "DRIVER": "oracledb",
        "REPORTS_DRIVER": "oracledb",
        "MAX": "4",
        "MIN": "0",
    }
    variables = environment(HOME=str(folder), **{f"ORAPOOL_{name}": value for name, value in settings.items()})
    variables.update(ORAPOOL_PUBLISH_DIR=str(folder / "published"), ORAPOOL_REPORTS_PUBLISH_DIR=str(folder / "reports"))
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, open(folder / "log", "wb") as log:
        fd, port = listener.fileno(), listener.getsockname()[1]
        options = (
            f"--bind=fd://{fd}",
            f"--workers={WORKERS}",
            "--threads=4",
            "--keep-alive=0",
            "--preload",
            "shop:app",
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options],
            cwd=folder,
            env=variables,
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    other = subprocess.Popen(
        [sys.executable, "other.py"], cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        yield _warmed_up(Server(process.pid, port, folder / "published"))
    finally:
        # Which would wait, for some seconds, for the session that is kept.
        for worker in children(process.pid):
            os.kill(worker, signal.SIGKILL)
        for each in (process, other):
            each.kill()
            each.wait(60)
        print((folder / "log").read_text()[-5000:])


def _warmed_up(server: Server) -> Server:
    """With orders on all workers, for a period at least, a session that is kept, and another pool."""
    until(lambda: len(children(server.pid)) == WORKERS, 60)
    assert server.get("/export")[0] == 200

    def known() -> list[float]:
        history = server.data()["history"]["pools"].get("default", {"checkouts_per_second": []})
        return [rate for rate in history["checkouts_per_second"] if rate]

    with ThreadPoolExecutor(WORKERS) as visitors:
        while len(server.pools()) < WORKERS or not known():
            for visit in [visitors.submit(server.order) for _ in range(WORKERS)]:
                visit.result()
    assert server.get("/report")[0] == 200
    until(lambda: [pool["dropped"] for pool in server.pools("reports")] == [{"asked": 1}])
    return server


@pytest.fixture(scope="module")
def running_chromium(server: Server) -> Iterator[Chromium]:
    """The browser."""
    if find_chromium() is None and os.geteuid() != 0:
        pytest.skip("no Chromium: `make browser`, as root, installs one")
    with Chromium() as chromium:
        chromium.set_cookie(f"http://127.0.0.1:{server.port}/", "user", "admin")
        yield chromium


@pytest.fixture
def chromium(running_chromium: Chromium, server: Server) -> Iterator[Chromium]:
    """The browser, with the page opened in a wide window; nothing may be wrong with it at the end."""
    running_chromium.look(1280, 900)
    assert running_chromium.open(f"http://127.0.0.1:{server.port}/_pool/") == 200
    running_chromium.wait("document.querySelectorAll('.pool').length === 2")
    yield running_chromium
    problems, running_chromium.problems = running_chromium.problems, []
    assert problems == []


def cells(chromium: Chromium, column: str) -> list[str]:
    """Those of a column of the first pool's table of processes."""
    titles = chromium.texts(".pool:first-child .processes thead th")
    return chromium.texts(f".pool:first-child .processes tbody tr > :nth-child({titles.index(column) + 1})")


def test_any_worker_tells_of_all_of_them_and_of_no_one_else_while_they_are_at_work(server: Server) -> None:
    workers = set(children(server.pid))
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            server.get("/order")

    before = sum(pool["checkouts"] for pool in server.pools())
    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    try:
        answered = set()
        while answered != workers:
            found = server.data()
            answered.add(found["pid"])
            assert {pool["pid"] for pool in found["pools"] if pool["pool"] == "default"} == workers
        until(lambda: sum(pool["checkouts"] for pool in server.pools()) > before)
        assert max(pool["checkouts_per_second"] for pool in server.pools()) > 0
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()

    assert len({each.process.pid for each in read(server.published)}) == WORKERS + 1
    assert server.get("/_pool/data.json", who="scott")[0] == 403


def test_it_shows_the_numbers_of_the_pools(server: Server, chromium: Chromium) -> None:
    until(lambda: sum(pool["busy"] for pool in server.pools()) == 1)  # the export's
    until(lambda: all(pool["checkouts_per_second"] == 0 for pool in server.pools()))
    chromium.wait("document.querySelector('.processes tfoot tr').cells[6].textContent === '0'")
    pools = sorted(server.pools(), key=lambda pool: pool["pid"])

    for column, key in [
        ("Process", "pid"),
        ("Open", "opened"),
        ("Busy", "busy"),
        ("Idle", "idle"),
        ("Log-ons", "log_ons"),
    ]:
        assert cells(chromium, column) == [str(pool[key]) for pool in pools]
    totals = dict(zip(chromium.texts("#totals dt"), chromium.texts("#totals dd")))
    everything = server.data()["pools"]
    assert totals["open"] == str(sum(pool["opened"] for pool in everything))
    assert (totals["busy"], totals["processes"]) == ("1", str(WORKERS))
    assert chromium.texts("h2") == ["Pool default", "Pool reports"]
    assert chromium.texts(".pool:last-child .dead tbody td") == ["asked", "1"]
    (longest,) = [pool["longest"] for pool in pools if pool["longest"]]
    assert chromium.texts(".pool:first-child .checkouts tbody td")[2:] == [longest["place"], f"thread {NASTY}"]
    assert chromium.texts(".about")[0].endswith(f"oracledb, threads; max 4 sessions, in each of {WORKERS} processes")


def test_texts_are_never_taken_for_html(chromium: Chromium) -> None:
    assert NASTY in chromium.texts("body")[0]
    assert chromium.evaluate("document.querySelectorAll('img').length") == 0
    assert chromium.evaluate("document.title").startswith("gunicorn: pools on ")


def test_charts_have_the_history_also_when_nobody_has_looked_before(chromium: Chromium) -> None:
    drawn = chromium.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.pool:first-child svg path[class]')]"
        ".map(each => [each.getAttribute('class'), each.getTotalLength()]))"
    )
    summaries = chromium.evaluate("[...document.querySelectorAll('svg')].map(each => each.getAttribute('aria-label'))")

    lines = {"line waiting", "line checkouts_per_second", "line wait_p50", "line wait_p99"}
    assert set(drawn) == {"area busy", "area idle", "halo", *lines}
    assert all(length > 0 for length in drawn.values())
    assert re.search("busy: [1-9][0-9]* at last, [1-9][0-9]* at most; idle: ", summaries[0])
    assert "Checkouts a second, last ten minutes" in summaries[1]
    assert len(chromium.texts(".pool:first-child svg .tick")) > 12


def test_pointing_at_a_chart_tells_its_values_then_and_so_do_keys(chromium: Chromium) -> None:
    legend = ".pool:first-child .chart:first-child .legend b"
    assert "-" not in chromium.texts(legend)

    chromium.point("svg", 0.2)  # minutes before it was started
    assert chromium.texts(legend) == ["-", "-", "-"]
    chromium.point("h2", 0.5)
    assert "-" not in chromium.texts(legend)

    chromium.evaluate("document.querySelector('svg').focus()")
    chromium.press("Home")
    assert chromium.texts(legend) == ["-", "-", "-"]
    assert "busy -" in chromium.texts("[aria-live]")[0]


def test_tables_can_be_sorted_and_have_headings(chromium: Chromium) -> None:
    pids = cells(chromium, "Process")
    chromium.evaluate("[...document.querySelectorAll('th button')].find(each => each.textContent === 'Busy').click()")

    until(lambda: cells(chromium, "Busy") == ["1", "0", "0"])
    assert sorted(cells(chromium, "Process")) == sorted(pids)
    assert chromium.texts(".pool:first-child th[aria-sort=descending]") == ["Busy"]
    assert chromium.evaluate(
        "[...document.querySelectorAll('table')].every(each => each.caption.textContent && each.tHead.rows.length &&"
        "[...each.tHead.rows[0].cells].every(title => title.scope === 'col'))"
    )
    chromium.evaluate("document.querySelector('.minutes').open = true")
    chromium.wait("document.querySelectorAll('.minutes tbody tr').length >= 10")


def test_it_goes_on_by_itself_and_says_when_it_cannot(server: Server, chromium: Chromium) -> None:
    rate = "Number(document.querySelector('.processes tfoot tr').cells[6].textContent)"
    chromium.wait(f"{rate} === 0")

    def order() -> bool:
        server.order()
        return bool(chromium.evaluate(f"{rate} > 0"))

    until(order)

    chromium.set_cookie(f"http://127.0.0.1:{server.port}/", "user", "scott")
    chromium.wait("document.getElementById('state').textContent.includes('you may not look any more')")
    chromium.set_cookie(f"http://127.0.0.1:{server.port}/", "user", "admin")
    chromium.wait("!document.getElementById('state').textContent.includes('may not')")

    denied = [problem for problem in chromium.problems if "status of 403" in problem and "data.json" in problem]
    assert denied
    chromium.problems[:] = [problem for problem in chromium.problems if problem not in denied]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1060, 390, 320])
def test_it_is_readable_in_both_schemes_and_on_a_phone(chromium: Chromium, width: int, scheme: str) -> None:
    chromium.look(width, 800, scheme)
    chromium.wait("[...document.querySelectorAll('svg')].every(each => each.clientWidth > 0)")

    colours = chromium.evaluate(CONTRASTS)

    assert min(colours.values()) >= 4.5, colours
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    if width > 1000:
        regions = "[...document.querySelectorAll('.wide')].map(each => each.scrollWidth - each.clientWidth)"
        assert max(chromium.evaluate(regions)) <= 0
        charts = "[...document.querySelectorAll('.pool:first-child svg')].map(each => each.getBoundingClientRect().y)"
        assert len(set(chromium.evaluate(charts))) == 1  # one beside the other
    assert chromium.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)"
    )
    assert chromium.picture().startswith(b"\x89PNG")


def test_it_tells_of_an_outage_until_it_is_over(server: Server, chromium: Chromium, sandbox: Sandbox) -> None:
    sandbox.refuse()
    sandbox.end_sessions()

    def order() -> bool:
        server.get("/order")
        return any(pool["outage_since"] for pool in server.pools())

    until(order)
    chromium.wait(
        "[...document.querySelectorAll('.trouble')].some(each => "
        "each.textContent.startsWith('Pool default: the database has been unavailable for '))"
    )
    sandbox.heal()
    chromium.wait("!document.querySelector('.trouble')")


CONTRASTS = """
(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const found = {};
  for (const each of document.querySelectorAll("h1, h2, h3, small, p, td, th, dt, dd, a, button, summary, svg text")) {
    const style = getComputedStyle(each);
    const ink = light(each.closest("svg") ? style.fill : style.color);
    const name = `${each.tagName} ${each.className.baseVal ?? each.className}`;
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    found[name] = Math.min(contrast, found[name] ?? 21);
  }
  return found;
})()
"""
"""How far texts stand out against the page, by WCAG's measure."""
