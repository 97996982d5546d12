"""Makes docs/page.png, the README's picture of the status page: of a server at work, with a weekend's drop in between.

python -m docs.page [seconds] [folder for pictures of all kinds]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from orapool.sandbox import Sandbox
from tests.chromium import Chromium

SHOP = """
import random, threading, time
from flask import Flask
import orapool
from orapool.flask import status_page

app = Flask("shop")
status_page(app, allow=lambda: True)

def export():
    with orapool.connection():
        time.sleep(3600)

@app.route("/order")
def order():
    with orapool.connection() as connection:
        connection.cursor().execute("select * from dual").fetchall()
        time.sleep(random.expovariate(1 / 0.15))
    return ""

@app.route("/export")
def begin():
    threading.Thread(target=export, name="export", daemon=True).start()
    return ""
"""
CLIENTS = 18
PORT = 18742


def main() -> None:
    """Make it."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory() as folder, Sandbox(users={"scott": "tiger"}) as sandbox:
        Path(folder, "shop.py").write_text(SHOP, encoding="utf-8")
        address = sandbox.dsn.partition("/")[0]
        variables = {
            "ORAPOOL_URL": f"oracle://scott:tiger@{address}/?service_name=ORAPOOL",
            "ORAPOOL_DRIVER": "oracledb",
            "ORAPOOL_MAX": "4",
            "ORAPOOL_PUBLISH_DIR": f"{folder}/published",
        }
        command = ["-m", "gunicorn", "--workers=3", "--threads=8", f"--bind=127.0.0.1:{PORT}", "shop:app"]
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        shop = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env={**os.environ, **variables, "HOME": folder, "PYTHONPATH": path}
        )
        try:
            _visit(seconds, sandbox, lambda: _take_pictures(Path(sys.argv[2]) if len(sys.argv) > 2 else None))
        finally:
            shop.terminate()
            shop.wait()


def _get(path: str) -> None:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30).read()
    except OSError:
        time.sleep(0.2)


def _visit(seconds: float, sandbox: Sandbox, at_last: Callable[[], None]) -> None:
    """Send visitors for so long, more and less of them in turn, and do something at last, while they come."""
    begun, stop = time.monotonic(), threading.Event()

    def visit(number: int) -> None:
        while not stop.is_set():
            past = (time.monotonic() - begun) / seconds
            if number < CLIENTS * (0.25 + 0.75 * abs((past * 4) % 2 - 1)):
                _get("/order")
            stop.wait(0.1)

    threads = [threading.Thread(target=visit, args=[number], daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds * 0.2)
    _get("/export")
    time.sleep(seconds * 0.35)
    sandbox.refuse()
    sandbox.end_sessions()
    time.sleep(seconds * 0.05)
    sandbox.heal()
    time.sleep(seconds * 0.4)
    at_last()
    stop.set()
    for thread in threads:
        thread.join()


def _take_pictures(folder: Path | None) -> None:
    with Chromium() as chromium:
        chromium.open(f"http://127.0.0.1:{PORT}/_pool/")
        chromium.look(1060, 850)
        chromium.wait("document.querySelectorAll('svg path').length")
        Path(__file__).with_suffix(".png").write_bytes(chromium.picture())
        if folder is not None:
            for width, height in ((1280, 1000), (390, 1900)):
                for scheme in ("light", "dark"):
                    chromium.look(width, height, scheme)
                    (folder / f"{width}-{scheme}.png").write_bytes(chromium.picture())
            chromium.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            chromium.look(1280, 1700)
            chromium.point("svg", 0.5)
            (folder / "open.png").write_bytes(chromium.picture())
        for problem in chromium.problems:
            print(problem)


if __name__ == "__main__":
    main()
