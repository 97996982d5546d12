"""Makes docs/top.svg, the README's picture of `orapool top`: what it shows of processes that are at work meanwhile.

python -m docs.top
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from orapool.cli.screen import View, screen
from orapool.sandbox import Sandbox
from orapool.watching.published import read
from orapool.watching.rows import Looks

WIDTH, HEIGHT = 100, 19

SHOP = """
import contextlib, sys, threading, time
import orapool

def serve(seconds):
    while True:
        with contextlib.suppress(Exception), orapool.connection() as connection:
            connection.cursor().execute("select * from dual").fetchall()
            time.sleep(seconds)
        time.sleep(0.01)

def export():
    connection = orapool.connection()
    time.sleep(3600)

orapool.configure(dsn=sys.argv[1], user="scott", password="tiger", driver="oracledb", publish_dir=sys.argv[2], max=4)
for seconds in (0.001, 0.001, 0.02, 0.03, 0.03, 0.05):
    threading.Thread(target=serve, args=[seconds], daemon=True).start()
if len(sys.argv) > 3:
    export()
time.sleep(3600)
"""


def main() -> None:
    """Make it."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(users={"scott": "tiger"}) as sandbox:
        published = Path(folder) / "published"
        for name in ("shop.py", "nightly.py"):
            (Path(folder) / name).write_text(SHOP, encoding="utf-8")
        arguments = [sandbox.dsn, str(published)]
        shops = [
            subprocess.Popen([sys.executable, *program[:1], *arguments, *program[1:]], cwd=folder)
            for program in (["shop.py"], ["nightly.py", "export"], ["shop.py"])
        ]
        try:
            time.sleep(4)
            sandbox.end_sessions()
            looks = Looks()
            looks.look(read(published), time.monotonic())
            time.sleep(4)
            rows = looks.look(read(published), time.monotonic())
        finally:
            for shop in shops:
                shop.kill()
                shop.wait()
    console = Console(width=WIDTH, height=HEIGHT, file=io.StringIO(), record=True, force_terminal=True)
    console.print(screen(rows, View(sort="longest"), WIDTH, HEIGHT))
    picture = re.sub(r"\s*@font-face \{.*?\}", "", console.export_svg(title="orapool top"), flags=re.DOTALL)
    Path(__file__).with_suffix(".svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
