"""The dashboard for Grafana: it is one, and shows what there is."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from orapool.cli import main
from orapool.metrics import prometheus
from tests.metrics.conftest import MakePool

TEXT = (Path(prometheus.__file__).parent / "grafana.json").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads(TEXT)
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus itself adds."""

EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture
def exported(make_named: MakePool) -> dict[str, set[str]]:
    """The labels of all that is exported, by name."""
    registry = CollectorRegistry()
    prometheus.register(registry)
    make_named().acquire().close()
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def parts(expression: Any) -> Iterator[Any]:
    """A parsed expression, and all that is in it."""
    yield expression
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        inner = getattr(expression, name, None)
        if inner is not None and not isinstance(inner, (str, float)):
            yield from parts(inner)
    for argument in getattr(expression, "args", None) or []:
        yield from parts(argument)


def parsed(text: str) -> Any:
    """An expression as Prometheus gets it from Grafana."""
    return promql_parser.parse(re.sub(r"\$__(rate_interval|range)", "5m", text))


@pytest.mark.deselect_if(sys.version_info < (3, 11), reason="as Grafana's own library")
def test_it_is_a_dashboard_by_grafanas_own_library() -> None:
    plugins = importlib.import_module("grafana_foundation_sdk.cog.plugins")
    encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder")
    models = importlib.import_module("grafana_foundation_sdk.models.dashboard")
    plugins.register_default_plugins()

    dashboard = models.Dashboard.from_json(json.loads(TEXT))

    assert missing(DASHBOARD, json.loads(encoder.JSONEncoder().encode(dashboard))) == []
    for panel in dashboard.panels:
        assert {type(target).__module__ for target in panel.targets} == {"grafana_foundation_sdk.models.prometheus"}
        assert type(panel.options).__module__.startswith("grafana_foundation_sdk.models.")


def missing(given: Any, found: Any, path: str = "") -> list[str]:
    """What the library does not know of it, and has left out."""
    if isinstance(given, dict) and isinstance(found, dict):
        return [
            each
            for key, value in given.items()
            for each in (missing(value, found[key], f"{path}/{key}") if key in found else [f"{path}/{key}"])
        ]
    if isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        return [each for number, pair in enumerate(zip(given, found)) for each in missing(*pair, f"{path}/{number}")]
    return [] if given == found else [path]


@pytest.mark.parametrize("driver", ["oracledb"], indirect=True)
def test_each_expression_is_of_metrics_and_labels_that_there_are(exported: dict[str, set[str]]) -> None:
    used = set()
    for text in EXPRESSIONS:
        found = list(parts(parsed(text)))
        selectors = [part for part in found if isinstance(part, promql_parser.VectorSelector)]
        assert selectors, text
        for selector in selectors:
            assert selector.name in exported, text
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert {"job", "pool"} <= labels, text
            assert labels <= exported[selector.name] | OF_PROMETHEUS, text
            used.add(selector.name)
        grouped = {
            label
            for part in found
            if isinstance(part, promql_parser.AggregateExpr) and part.modifier
            for label in part.modifier.labels
        }
        assert grouped <= set.union(*(exported[selector.name] for selector in selectors)), text

    known = {re.sub("_(count|sum|bucket)$", "", name) for name in exported}
    shown = {re.sub("_(count|sum|bucket)$", "", name) for name in used}
    assert known - shown == {"orapool_min_sessions", "orapool_calls"}


@pytest.mark.parametrize("driver", ["oracledb"], indirect=True)
def test_legends_and_choices_are_of_labels_that_there_are(exported: dict[str, set[str]]) -> None:
    labels = set.union(*exported.values()) | OF_PROMETHEUS
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert named <= labels
            assert all(label in target["expr"] for label in named)
    queries = [each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
    for query in queries:
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
        assert parsed(selector).name in exported
        assert label in labels


def test_panels_lie_side_by_side_and_not_on_one_another() -> None:
    places = [
        (place["x"] + across, place["y"] + down)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for across in range(place["w"])
        for down in range(place["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) == 23
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_command_prints_it() -> None:
    assert CliRunner().invoke(main, ["metrics", "--dashboard"], catch_exceptions=False).output == TEXT
