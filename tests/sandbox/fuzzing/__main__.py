"""`make fuzz`: a quarter of the time for readers and statements, the rest for sessions, until something is found."""

from __future__ import annotations

import secrets
import sys
import time

import click

from orapool.sandbox import instant_client
from tests.sandbox.fuzzing.readers import Readers
from tests.sandbox.fuzzing.sessions import fuzzed_sessions, held
from tests.sandbox.fuzzing.statements import Statements


@click.command()
@click.option("--minutes", type=float, default=30, show_default=True, envvar="FUZZ_MINUTES")
@click.option("--seed", type=int, default=None, help="Of all that is chosen; another each time without it.")
@click.option("--first", type=int, default=None, help="Sessions alone, from the execution of this number on.")
def main(minutes: float, seed: int | None, first: int | None) -> None:
    """Fuzz the sandbox; what is found is told with the seed and the bytes that have it again."""
    instant_client.reexec()
    seed = secrets.randbits(32) if seed is None else seed
    click.echo(f"seed {seed}, {minutes:g} minutes")
    with fuzzed_sessions(seed) as sessions:
        readers, statements = Readers(sessions.conversations, seed), Statements(seed)
        try:
            if first is None:
                readers.run(time.monotonic() + minutes * 9)
                click.echo(f"readers: {readers.executions:,} executions, nothing found")
                statements.run(time.monotonic() + minutes * 6)
                click.echo(f"statements: {statements.executions:,} executions, nothing found")
            sessions.run(time.monotonic() + minutes * 45, first or 0)
        except AssertionError as found:
            done = f"readers {readers.executions}, statements {statements.executions}, sessions {sessions.executions}"
            click.echo(f"seed {seed}, {done}\n{found}", err=True)
            sys.exit(1)
        click.echo(
            f"sessions: {sessions.executions:,} executions, of which the server answered {sessions.answered:,},"
            f" nothing found; it held {sessions.baseline} and holds {held(sessions.sandbox)}"
        )


if __name__ == "__main__":
    main()
