"""Charts, as SVG. Each contender has its colour and its mark in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.spread import Spread, number

OURS = "#0a7d34"
_COLORS = ("#222222", OURS, "#8c6d1f", "#7bc043", "#34609e", "#7a4fa3", "#3aa6b9", "#e67e22", "#b07aa1", "#c0392b")
_MARKS = ("D", "o", "X", "o", "s", "^", "v", "P", "*", "h")
STYLES = {name: {"color": color, "marker": mark} for name, color, mark in zip(CONTENDERS, _COLORS, _MARKS)}
Series = Mapping[str, Sequence[tuple[float, float]]]


def pyplot() -> Any | None:
    """matplotlib's, for SVG with text as text and the same bytes from run to run; None if it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "orapool", "font.size": 9, "font.family": "sans-serif"}
    )
    from matplotlib import pyplot

    return pyplot


def save(plot: Any, figure: Any, path: Path) -> None:
    """Write and forget."""
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plot.close(figure)


def _plain(axis: Any) -> None:
    """No powers of ten."""
    axis.set_major_formatter(lambda value, _place: f"{value:,.0f}" if value >= 1 else f"{value:g}")


def dots(panels: Mapping[str, Mapping[str, Spread]], unit: str, path: Path, log: bool = True) -> None:
    """One panel for each title, a row for each name: the median with its spread, and its figure beside it."""
    plot = pyplot()
    if plot is None or not panels:
        return
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    columns, rows = min(2, len(panels)), -(-len(panels) // 2)
    size = (2.4 + 3.6 * columns, rows * (0.8 + 0.26 * len(names)))
    figure, axes = plot.subplots(rows, columns, figsize=size, sharey=True, squeeze=False)
    for (title, panel), axis in zip(panels.items(), [axis for row in axes for axis in row]):
        for row, name in enumerate(names):
            if name not in panel:
                continue
            each = panel[name]
            color = OURS if name.startswith(("orapool", "after")) else "#34609e"
            axis.plot([each.low, each.high], [row, row], color=color, linewidth=3, alpha=0.35, zorder=2)
            axis.scatter([each.median], [row], color=color, s=28, zorder=3)
            axis.annotate(
                number(each.median),
                (each.high, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        highest = max(each.high for each in panel.values())
        if log:
            axis.set_xscale("log")
            axis.set_xlim(min(each.low for each in panel.values()) / 2, highest * 8)
        else:
            axis.set_xlim(0, highest * 1.3 or 1)
        axis.minorticks_off()
        _plain(axis.xaxis)
        axis.grid(axis="x", color="#dddddd", zorder=0)
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_xlabel(unit, fontsize=8)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
    figure.tight_layout()
    save(plot, figure, path)


def bars(panels: Mapping[str, Mapping[str, float]], unit: str, path: Path) -> None:
    """The same for exact counts: a bar for each name."""
    plot = pyplot()
    if plot is None or not panels:
        return
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    figure, axes = plot.subplots(
        1, len(panels), figsize=(2.4 + 1.9 * len(panels), 1.0 + 0.28 * len(names)), sharey=True, squeeze=False
    )
    for (title, panel), axis in zip(panels.items(), axes[0]):
        values = [panel.get(name, 0) for name in names]
        colors = [OURS if name.startswith(("orapool", "after")) else "#34609e" for name in names]
        axis.barh(range(len(names)), values, color=colors, zorder=3)
        for row, value in enumerate(values):
            axis.text(value, row, f" {value:,.4g}", va="center", fontsize=8)
        axis.set_xlim(0, max(values) * 1.3 or 1)
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_xlabel(unit, fontsize=8)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.locator_params(axis="x", nbins=4, integer=True)
        axis.grid(axis="x", color="#dddddd", zorder=0)
    figure.tight_layout()
    save(plot, figure, path)


def lines(panels: Mapping[str, Series], across: Sequence[str], up: str, path: Path, log_y: bool = True) -> None:
    """One panel for each title, a line for each contender; ``across`` names what goes from left to right in each."""
    plot = pyplot()
    if plot is None or not panels:
        return
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plot.subplots(rows, columns, figsize=(0.6 + 3.7 * columns, 0.9 + 2.7 * rows), squeeze=False)
    flat = [axis for row in axes for axis in row]
    for (title, panel), axis, below in zip(panels.items(), flat, across):
        for name, points in panel.items():
            axis.plot(
                [x for x, _y in points],
                [y for _x, y in points],
                label=name,
                linewidth=1.3,
                markersize=4,
                **STYLES[name],
            )
        axis.set_xscale("log")
        axis.set_xticks(sorted({x for points in panel.values() for x, _y in points}))
        if log_y:
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.minorticks_off()
        _plain(axis.xaxis)
        _plain(axis.yaxis)
        axis.grid(color="#e5e5e5")
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_xlabel(below, fontsize=8)
        axis.set_ylabel(up, fontsize=8)
    for axis in flat[len(panels) :]:
        axis.axis("off")
    shown = {label: handle for axis in flat for handle, label in zip(*axis.get_legend_handles_labels())}
    wide = 2 * columns
    figure.legend(shown.values(), shown.keys(), loc="lower center", ncols=wide, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.09 * -(-len(shown) // wide) / rows, 1, 1))
    save(plot, figure, path)
