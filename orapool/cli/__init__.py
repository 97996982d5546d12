"""The `orapool` command. Each subcommand has a file of its own, loaded when it is asked for."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from orapool._version import __version__
from orapool.cli.examples import example
from orapool.errors import PoolError
from orapool.sandbox.control import SandboxError
from orapool.sandbox.instant_client import ClientUnavailableError

SUBCOMMANDS = {
    "check": "Check a session out of each pool, and say how long it took.",
    "config": "Show the settings in force, and where each was found.",
    "demo": "See one pool survive Monday morning, beside SQLAlchemy's own.",
    "doctor": "Find the step to the database that fails, or an idle limit.",
    "metrics": "Print the pools' numbers for Prometheus, or a dashboard for Grafana.",
    "sandbox": "Run an embedded server that speaks Oracle Net, and its faults.",
    "sessions": "Show the server's sessions, and whose process each of them is.",
    "sizing": "Compute how many sessions all workers open, and whether they fit.",
    "top": "Show the pools of all processes of this machine, live.",
}
"""What each does, in a line: the list of commands loads none of them."""
EXTRAS = {"sandbox": "sandbox", "sessions": "sessions", "top": "top"}
"""What has to be installed for a command, if it is not the demo's."""


class OneLineErrors(click.Group):
    """Turns expected errors into one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except (PoolError, SandboxError, ClientUnavailableError) as error:
            raise click.ClickException(one_line(error)) from error


class Subcommands(OneLineErrors):
    """Loads subcommands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All subcommands, loaded or not."""
        return list(SUBCOMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All subcommands with a line each."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Load one subcommand; None for an unknown one."""
        if name not in SUBCOMMANDS:
            return None
        try:
            command: click.Command = getattr(importlib.import_module(f"orapool.cli.{name}"), name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("orapool."):
                raise
            missing = (error.name or "").partition(".")[0]
            reason = f"orapool {name} needs {missing}: pip install 'orapool[{EXTRAS.get(name, 'demo')}]'"
            return _unusable(name, reason)
        return command


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line.

    SQLAlchemy adds the statement and a link on lines of their own, python-oracledb a link to its help; only orapool's
    own errors say more on the lines that follow: the cause, and what to do.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(line.strip() for line in lines) if isinstance(error, PoolError) else lines[0]


def _unusable(name: str, reason: str) -> click.Command:
    @click.command(name, short_help=reason, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1)
    def unusable(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(reason)

    return unusable


@click.command(
    cls=Subcommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog=example("orapool doctor", "orapool doctor --help"),
)
@click.version_option(__version__, prog_name="orapool")
@click.pass_context
def main(context: click.Context) -> None:
    """One native Oracle session pool per process, for ORM code, hand-written SQL and DataFrames."""
    if os.environ.get("NO_COLOR"):  # see no-color.org; without a terminal there are no colours anyway
        context.color = False
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
