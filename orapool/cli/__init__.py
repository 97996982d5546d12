"""The `orapool` command. Each subcommand has a file of its own, loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from orapool._version import __version__
from orapool.errors import PoolError
from orapool.sandbox.control import SandboxError
from orapool.sandbox.instant_client import ClientUnavailableError

SUBCOMMANDS = ("check", "config", "demo", "metrics", "sandbox", "sizing", "top")

EXTRAS = {"top": "top"}
"""What has to be installed for a subcommand, where it is less than what the demo needs."""


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


@click.command(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orapool")
def main() -> None:
    """One native Oracle session pool per process, for ORM code, hand-written SQL and DataFrames."""
