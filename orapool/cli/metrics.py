"""`orapool metrics`: the numbers of all pools for Prometheus, and the dashboard that shows them."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import click

from orapool.cli.examples import example

_FOLDER = "ORAPOOL_PUBLISH_DIR"
DASHBOARD = "grafana.json"


@click.command(epilog=example("orapool metrics --sum", "orapool metrics --dashboard > orapool.json"))
@click.option("--dashboard", is_flag=True, help="Print the dashboard for Grafana instead.")
@click.option("--sum", "summed", is_flag=True, help="Add up the pools of one name, rather than tell processes apart.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    envvar=_FOLDER,
    help=f"The pools' setting publish_dir, where it has a value; also {_FOLDER}.",
)
def metrics(dashboard: bool, summed: bool, folder: Path | None) -> None:
    """Print the numbers of the pools of all processes of this user, in Prometheus' text format, as they are now.

    Applications are rather scraped themselves: see orapool.metrics.prometheus.register.
    """
    if dashboard:
        click.echo(dashboard_text(), nl=False)
        return
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error}: pip install 'orapool[prometheus]'") from None

    from orapool.metrics.prometheus import register

    registry = CollectorRegistry()
    register(registry, of="user", per_process=not summed, publish_dir=None if folder is None else Path(folder))
    click.echo(generate_latest(registry).decode(), nl=False)


def dashboard_text() -> str:
    """The dashboard, as JSON."""
    return (importlib.resources.files("orapool.metrics") / DASHBOARD).read_text(encoding="utf-8")
