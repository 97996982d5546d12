"""The pictures of the screens of `orapool doctor` and `orapool sessions`: `make screens`, as root.

What they show was run for them, against a sandbox on a host of its own behind real firewalls.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.doctor.idle_limits import idle_limits
from tests.firewall import Firewall

FOLDER = Path(__file__).parent
WIDTH = 130
CLIENT = """
    import sys, threading, oracledb
    connection = oracledb.connect(user="scott", password="tiger", dsn="{dsn}")
    connection.module, connection.action, connection.client_identifier = "{module}", "{action}", "{who}"
    cursor = connection.cursor()
    cursor.execute("{sql}")
    print("ready", flush=True)
    sys.stdin.read()
"""


def main() -> None:
    """Take them all."""
    firewall = Firewall()
    try:
        database = {"dsn": firewall.sandbox.dsn, "user": "scott", "password": "tiger"}
        take("doctor", database, "doctor", "--workers", "9", "--threads", "4")
        take("doctor-service", {**database, "dsn": database["dsn"].replace("ORAPOOL", "SALES")}, "doctor")
        with idle_limits(firewall) as limits:
            take("probe-idle", limits.settings("drop", 8), "doctor", "--probe-idle", "2s,5s,11s", "--timeout", "3")
        take_sessions(firewall, database)
    finally:
        firewall.close()


def take_sessions(firewall: Firewall, database: dict[str, str]) -> None:
    """A session that is leaked, one whose socket the server has closed, and others."""
    query = "select count(*) from all_tables"
    clients = [client(database["dsn"], "shop", "load_orders", "ann", query)]
    firewall.drop_flows()
    clients[0].kill()
    clients[0].wait()
    clients.append(client(database["dsn"], "shop", "checkout", "kim", query))
    closed = max(each["sid"] for each in firewall.sandbox.sessions())
    clients.append(client(database["dsn"], "shop", "show_order", "lee", "select sysdate from dual"))
    clients.append(client(database["dsn"], "billing", "monthly run", "", "select 1 from dual"))
    firewall.sandbox.end_sessions("fin", closed)
    take("sessions", database, "sessions")
    for each in clients:
        each.kill()
        each.communicate()


def client(dsn: str, module: str, action: str, who: str, sql: str) -> subprocess.Popen[str]:
    """A process with a session."""
    code = textwrap.dedent(CLIENT).format(dsn=dsn, module=module, action=action, who=who, sql=sql)
    run = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    return run


def take(name: str, settings: dict[str, str], *command: str) -> None:
    """Run a command and draw what it shows, as SVG and as text."""
    given = {f"ORAPOOL_{setting.upper()}": value for setting, value in {**settings, "driver": "oracledb"}.items()}
    # click and rich ask for colours in their own ways: a terminal of its own suits both.
    line = f"stty cols {WIDTH}; orapool {' '.join(command)} 2>/dev/null"
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["script", "--quiet", "--return", "--command", line, f"{folder}/typescript"],
            cwd=folder,
            env={**os.environ, **given, "HOME": folder, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    shown = Text.from_ansi(run.stdout.replace("\r\n", "\n").rstrip())
    console = Console(width=WIDTH, record=True, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_markup(f"[bold]$ orapool {' '.join(command)}[/]"))
    console.print(shown)
    svg = console.export_svg(title="orapool")
    # It would have whoever looks at it fetch a font from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(shown.plain)


if __name__ == "__main__":
    main()
