"""`orapool sandbox`: the embedded server on the command line, and its faults."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from typing import Any

import click

from orapool.cli.examples import example
from orapool.sandbox import Sandbox
from orapool.sandbox.control import ControlClient, control_path

_PORT = click.option("--port", default=1521, show_default=True, help="The port of the sandbox to steer.")
_SID = click.option("--sid", type=int, help="One session only, by its number; see `orapool sandbox sessions`.")


@click.group(
    invoke_without_command=True,
    epilog=example("orapool sandbox --port 1521 --user app/secret", "orapool sandbox end --how rst"),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=1521, show_default=True, help="The port to listen on; 0 takes a free one.")
@click.option("--user", "users", multiple=True, metavar="NAME/PASSWORD", help="A user; may be repeated.  [scott/tiger]")
@click.option("--path", type=click.Path(file_okay=False), help="A folder that keeps the data; memory without it.")
@click.option(
    "--inbound-connect-timeout",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds in which a client has to log on; 0 for ever.",
)
@click.option(
    "--fast-authentication",
    is_flag=True,
    help="Let thin clients log on with fewer round trips, as with release 23; 19c has no such thing.",
)
@click.option(
    "--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), default="WARNING", show_default=True
)
@click.pass_context
def sandbox(
    context: click.Context,
    host: str,
    port: int,
    users: tuple[str, ...],
    path: str | None,
    inbound_connect_timeout: float,
    fast_authentication: bool,
    log_level: str,
) -> None:
    """Run an embedded server that speaks Oracle Net, until interrupted. It is not an Oracle database.

    The subcommands steer a sandbox that runs: they play faults on it and show its counts.
    """
    if context.invoked_subcommand is not None:
        return
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    accounts = _passwords(users) or None
    with Sandbox(
        *(host, port, accounts, path, log_level),
        inbound_connect_timeout=inbound_connect_timeout,
        fast_authentication=fast_authentication,
    ) as server:
        click.echo(f"The sandbox listens on {server.dsn} (users: {', '.join(server.users)}). Interrupt ends it.")
        click.echo("It speaks Oracle Net to unmodified drivers; it is not an Oracle database.")
        interrupted.wait()


def _passwords(users: tuple[str, ...]) -> dict[str, str]:
    passwords = {}
    for user in users:
        name, separator, password = user.partition("/")
        if not (name and separator and password):
            raise click.BadParameter("a user is given as NAME/PASSWORD", param_hint="--user")
        passwords[name] = password
    return passwords


def _call(port: int, command: str, **arguments: Any) -> Any:
    return ControlClient(control_path(port)).call(command, **arguments)


def _simple(name: str, summary: str) -> Callable[[int], None]:
    """A subcommand that sends one command without arguments."""

    @sandbox.command(name, help=summary, epilog=example(f"orapool sandbox {name}"))
    @_PORT
    def command(port: int) -> None:
        _call(port, name)

    return command


thaw = _simple("thaw", "Go on after `freeze`.")
stop = _simple("stop", "End all sessions and listen no more, as a database that shuts down; `start` comes back.")
start = _simple("start", "Listen again after `stop`, with the data kept.")
heal = _simple("heal", "End every fault in force.")


@sandbox.command(epilog=example("orapool sandbox freeze --log-ons-only"))
@_PORT
@click.option("--log-ons-only", is_flag=True, help="Only new connections get no answer; open sessions go on.")
def freeze(port: int, log_ons_only: bool) -> None:
    """Accept what clients send and answer nothing, until `thaw`."""
    _call(port, "freeze", log_ons_only=log_ons_only)


@sandbox.command(epilog=example("orapool sandbox end --how rst"))
@_PORT
@click.option("--how", type=click.Choice(["fin", "rst"]), default="fin", show_default=True, help="FIN or RST.")
@_SID
def end(port: int, how: str, sid: int | None) -> None:
    """End one session, or all of them, from the server's side."""
    click.echo(f"{_call(port, 'end_sessions', how=how, sid=sid)} sessions ended")


@sandbox.command(epilog=example("orapool sandbox refuse --code 12528 --times 3"))
@_PORT
@click.option("--code", default=0, help="An ORA- code of the listener's, 12528; without it, the port is closed.")
@click.option("--times", type=click.IntRange(1), help="How many to refuse with the code; without it, all.")
def refuse(port: int, code: int, times: int | None) -> None:
    """Refuse new connections; `heal` ends it."""
    if times and not code:
        raise click.UsageError("--times goes with --code")
    _call(port, "refuse", enabled=True, code=code, times=times)


@sandbox.command(epilog=example("orapool sandbox redirect 10.0.0.7:1521"))
@_PORT
@click.argument("address", metavar="HOST:PORT")
def redirect(port: int, address: str) -> None:
    """Send new connections on to HOST:PORT, as the listener of a cluster does; `heal` ends it."""
    _call(port, "redirect", to=address)


@sandbox.command(epilog=example("orapool sandbox delay 0.05"))
@_PORT
@click.argument("seconds", type=click.FloatRange(min=0))
def delay(port: int, seconds: float) -> None:
    """Let every call wait SECONDS before it is carried out; 0 ends it."""
    _call(port, "delay", seconds=seconds)


@sandbox.command(epilog=example("orapool sandbox fail 3113"))
@_PORT
@_SID
@click.argument("code", type=click.Choice(["28", "1012", "1033", "2396", "3113"]))
def fail(port: int, sid: int | None, code: str) -> None:
    """Answer the next call of every session with ORA-CODE, and end it."""
    click.echo(f"{_call(port, 'fail_next', code=int(code), sid=sid)} sessions will fail")


@sandbox.command(epilog=example("orapool sandbox cut --sid 100"))
@_PORT
@_SID
def cut(port: int, sid: int | None) -> None:
    """Send half of the next answer to every session, and end its connection."""
    click.echo(f"{_call(port, 'cut_next', sid=sid)} sessions will be cut")


@sandbox.command("deny-log-ons", epilog=example("orapool sandbox deny-log-ons 1033"))
@_PORT
@click.argument("code", type=click.Choice(["1033", "1034", "1089", "1109"]))
def deny_log_ons(port: int, code: str) -> None:
    """Answer every log-on with ORA-CODE, as a database that is not open; `heal` ends it."""
    _call(port, "deny_log_ons", code=int(code))


@sandbox.command("limit-idle", epilog=example("orapool sandbox limit-idle scott 900"))
@_PORT
@click.option("--how", type=click.Choice(["error", "fin", "rst"]), default="error", show_default=True)
@click.argument("user")
@click.argument("seconds", type=click.FloatRange(min=0.01))
def limit_idle(port: int, user: str, seconds: float, how: str) -> None:
    """End sessions of USER that are idle for SECONDS: ORA-02396 at the next call, FIN or RST; `heal` ends it."""
    _call(port, "limit_idle", user=user, seconds=seconds, how=how)


@sandbox.command(epilog=example("orapool sandbox revoke scott 'V$SESSION'"))
@_PORT
@click.argument("user")
@click.argument("view")
def revoke(port: int, user: str, view: str) -> None:
    """Let USER not see VIEW of the dictionary, such as V$SESSION (ORA-00942); `heal` ends it."""
    _call(port, "revoke", user=user, view=view)


@sandbox.command("set-password", epilog=example("orapool sandbox set-password scott"))
@_PORT
@click.argument("user")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for if not given.")
def set_password(port: int, user: str, password: str) -> None:
    """Change the password of USER; open sessions stay. `heal` takes it back."""
    _call(port, "set_password", user=user, password=password)


@sandbox.command("expire-password", epilog=example("orapool sandbox expire-password scott"))
@_PORT
@click.argument("user")
def expire_password(port: int, user: str) -> None:
    """Let the password of USER expire: log-ons get ORA-28001, until `set-password` or `heal`."""
    _call(port, "expire_password", user=user)


@sandbox.command(epilog=example("orapool sandbox lock scott"))
@_PORT
@click.argument("user")
@click.option("--off", is_flag=True, help="Unlock it.")
def lock(port: int, user: str, off: bool) -> None:
    """Lock the account of USER: log-ons get ORA-28000, until `heal`."""
    _call(port, "lock", user=user, locked=not off)


@sandbox.command("grant-proxy", epilog=example("orapool sandbox grant-proxy sh scott"))
@_PORT
@click.argument("client")
@click.argument("proxy")
def grant_proxy(port: int, client: str, proxy: str) -> None:
    """Let PROXY log on as CLIENT, as `PROXY[CLIENT]` with the password of PROXY."""
    _call(port, "grant_proxy", client=client, proxy=proxy)


@sandbox.command(epilog=example("orapool sandbox stats"))
@_PORT
def stats(port: int) -> None:
    """Show the exact counts since the start, as JSON."""
    click.echo(json.dumps(_call(port, "stats"), indent=2))


@sandbox.command(epilog=example("orapool sandbox sessions"))
@_PORT
def sessions(port: int) -> None:
    """Show who is logged on, as JSON."""
    click.echo(json.dumps(_call(port, "sessions"), indent=2))
