"""Draws a dashboard's contents as one picture."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from agentcore_local.picture.contents import (
    Alarms,
    Box,
    Dashboard,
    Graph,
    LogTable,
    Text,
    Widget,
)
from agentcore_local.picture.graphs import Line

Color: TypeAlias = "str | tuple[float, float, float, float]"

_COLUMNS = 24
_COLUMN_INCHES = 0.75
_ROW_INCHES = 0.62
_DOTS_PER_INCH = 110
_INK = "#16191f"
_FAINT = "#6b7280"
_GRID = "#e5e7eb"
_OTHERS = "#cfd4dc"
_STATES = {
    "ALARM": ("#d13212", "#ffffff"),
    "OK": ("#dff3e3", "#1d6b34"),
    "INSUFFICIENT_DATA": ("#eceff3", "#4b5563"),
}
# Seconds between two times on an axis.
_STEPS = (300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
_ALARMS_PER_ROW = 6
_MOST_LEGENDS = 6
_LEGENDS_PER_ROW = 3
_LONGEST_LEGEND = 30
_LONGEST_ALARM = 30
# Heights of a graph's title above, and of its times and each row of legends below, in inches.
_TITLE_INCHES = 0.42
_TIMES_INCHES = 0.34
_LEGEND_INCHES = 0.2
_AXIS_INCHES = 0.72
_GAP_INCHES = 0.16


def draw(dashboard: Dashboard) -> bytes:
    """A PNG image of a dashboard."""
    rows = max((each.box.y + each.box.height for each in dashboard.widgets), default=1)
    figure = Figure(figsize=(_COLUMNS * _COLUMN_INCHES, rows * _ROW_INCHES), facecolor="#ffffff")
    FigureCanvasAgg(figure)
    sheet = _Sheet(figure, rows, dashboard.start, dashboard.end)
    for widget in dashboard.widgets:
        sheet.add(widget)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DOTS_PER_INCH)
    return image.getvalue()


class _Sheet:
    def __init__(self, figure: Figure, rows: int, start: float, end: float) -> None:
        self._figure = figure
        self._height = rows * _ROW_INCHES
        self._width = _COLUMNS * _COLUMN_INCHES
        self._times = (start, end)

    def add(self, widget: Widget) -> None:
        if isinstance(widget, Text):
            self._text(widget)
        elif isinstance(widget, Alarms):
            self._alarms(widget)
        elif isinstance(widget, Graph):
            self._graph(widget)
        else:
            self._log(widget)

    def _axes(
        self,
        box: Box,
        *,
        left: float = _GAP_INCHES,
        right: float = _GAP_INCHES,
        top: float = 0.0,
        bottom: float = 0.0,
    ) -> Axes:
        """Axes within a widget's box, with margins in inches."""
        x = box.x * _COLUMN_INCHES + left
        y = self._height - (box.y + box.height) * _ROW_INCHES + bottom
        width = box.width * _COLUMN_INCHES - left - right
        height = box.height * _ROW_INCHES - top - bottom
        return self._figure.add_axes(
            (x / self._width, y / self._height, width / self._width, height / self._height)
        )

    def _bare(self, box: Box, *, top: float = 0.0) -> Axes:
        axes = self._axes(box, top=top)
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(1, 0)
        return axes

    def _title(self, box: Box, title: str) -> None:
        x = (box.x * _COLUMN_INCHES + _GAP_INCHES) / self._width
        y = 1 - (box.y * _ROW_INCHES + 0.12) / self._height
        self._figure.text(x, y, title, fontsize=10, fontweight="bold", color=_INK, va="top")

    def _text(self, text: Text) -> None:
        axes = self._bare(text.box)
        height = text.box.height * _ROW_INCHES
        at = 0.16
        for line in text.markdown.splitlines():
            heading = re.match(r"(#+)\s*(.*)", line)
            size = {1: 17, 2: 13}.get(len(heading[1]), 11) if heading else 9.5
            axes.text(
                0,
                at / height,
                heading[2] if heading else line,
                fontsize=size,
                fontweight="bold" if heading else "normal",
                color=_INK if heading else _FAINT,
                va="top",
                wrap=True,
            )
            at += size / 72 * 1.75
        if text.markdown.startswith("## "):
            axes.axhline(0.92, color=_GRID, linewidth=1)

    def _alarms(self, alarms: Alarms) -> None:
        box = alarms.box
        self._title(box, alarms.title)
        axes = self._bare(box, top=_TITLE_INCHES)
        rows = max(1, -(-len(alarms.alarms) // _ALARMS_PER_ROW))
        width, height = 1 / _ALARMS_PER_ROW, 1 / rows
        inches = (box.height * _ROW_INCHES - _TITLE_INCHES) / rows
        for number, alarm in enumerate(alarms.alarms):
            x, y = number % _ALARMS_PER_ROW * width, number // _ALARMS_PER_ROW * height
            fill, ink = _STATES.get(alarm.state, _STATES["INSUFFICIENT_DATA"])
            axes.add_patch(
                FancyBboxPatch(
                    (x + 0.004, y + 0.08 * height),
                    width - 0.008,
                    height * 0.84,
                    boxstyle="square,pad=0",
                    facecolor=fill,
                    edgecolor="none",
                )
            )
            label = _end_of(_spaced(alarm.label), _LONGEST_ALARM)
            state = alarm.state.replace("_", " ").lower()
            text = label if inches < 0.36 else f"{label}\n{state}"
            axes.text(
                x + width / 2,
                y + height / 2,
                text,
                fontsize=8,
                color=ink,
                ha="center",
                va="center",
                linespacing=1.35,
            )

    def _graph(self, graph: Graph) -> None:
        lines, left_out = _in_legend(graph.lines)
        rows = -(-len(lines) // _LEGENDS_PER_ROW) + (1 if left_out else 0)
        self._title(graph.box, graph.title)
        axes = self._axes(
            graph.box,
            left=_AXIS_INCHES,
            right=_GAP_INCHES + 0.1,
            top=_TITLE_INCHES,
            bottom=_TIMES_INCHES + _LEGEND_INCHES * max(1, rows) + 0.08,
        )
        self._plot(axes, graph, lines)
        values = [value for line in graph.lines for value in line.values]
        _dress(axes, graph.unit, whole=all(value == int(value) for value in values))
        self._legend(graph, lines, left_out)

    def _plot(self, axes: Axes, graph: Graph, labeled: Sequence[tuple[int, Line]]) -> None:
        colors = _colors(labeled)
        highest = 0.0
        for number, line in enumerate(graph.lines):
            named = number in colors
            axes.plot(
                line.times,
                line.values,
                color=colors.get(number, _OTHERS),
                linewidth=1.4 if named else 0.8,
                marker=".",
                markersize=4 if named else 2,
                zorder=3 if named else 2,
            )
            highest = max([highest, *line.values])
        for label, value in graph.limits.items():
            axes.axhline(value, color="#d13212", linewidth=1, linestyle="--")
            axes.annotate(
                f"{label} ({value:g})",
                (self._times[0], value),
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=7.5,
                color="#d13212",
            )
            highest = max(highest, value)
        if not any(line.values for line in graph.lines):
            axes.text(
                0.5,
                0.5,
                "no data",
                fontsize=9,
                color=_FAINT,
                ha="center",
                va="center",
                transform=axes.transAxes,
            )
        axes.set_xlim(*self._times)
        axes.set_xticks(*_ticks(*self._times))
        axes.set_ylim(0, highest * 1.18 if highest > 0 else 1)

    def _legend(self, graph: Graph, lines: Sequence[tuple[int, Line]], left_out: int) -> None:
        """Labels below the graph, each in its own place, so that none lies on another."""
        box = graph.box
        colors = _colors(lines)
        width = (box.width * _COLUMN_INCHES - 2 * _GAP_INCHES) / _LEGENDS_PER_ROW
        top = (box.y + box.height) * _ROW_INCHES
        rows = -(-len(lines) // _LEGENDS_PER_ROW) + (1 if left_out else 0)
        for place, (number, line) in enumerate(lines):
            row, column = divmod(place, _LEGENDS_PER_ROW)
            x = box.x * _COLUMN_INCHES + _GAP_INCHES + column * width
            y = top - _LEGEND_INCHES * (rows - row) + 0.02
            label = _beginning_of(line.label, _LONGEST_LEGEND)
            self._legend_text(x, y, "\u25cf", colors[number])
            self._legend_text(x + 0.14, y, label, _INK)
        if left_out:
            y = top - _LEGEND_INCHES + 0.02
            text = f"and {left_out} more, none higher"
            self._legend_text(box.x * _COLUMN_INCHES + _GAP_INCHES, y, text, _FAINT)

    def _legend_text(self, x: float, y: float, text: str, color: Color) -> None:
        self._figure.text(
            x / self._width,
            1 - y / self._height,
            text,
            fontsize=7.5,
            color=color,
            va="center",
        )

    def _log(self, log: LogTable) -> None:
        self._title(log.box, log.title)
        axes = self._bare(log.box, top=_TITLE_INCHES)
        height = log.box.height * _ROW_INCHES - _TITLE_INCHES
        widths = [0.09, 0.07, 0.26, 0.26, 0.32]
        widths = widths if len(log.columns) == len(widths) else [1 / len(log.columns)] * 99
        row_inches = 0.23
        most = int(height / row_inches) - 1
        for row, cells in enumerate([log.columns, *log.rows[:most]]):
            at = 0.0
            for width, cell in zip(widths, cells, strict=False):
                longest = max(4, int(width * self._width * 12.5))
                text = cell if len(cell) <= longest else f"{cell[: longest - 3]}..."
                axes.text(
                    at,
                    (row * row_inches + 0.08) / height,
                    text,
                    fontsize=8,
                    family="monospace",
                    fontweight="bold" if row == 0 else "normal",
                    color=_log_color(cells, row),
                    va="center",
                )
                at += width
        if not log.rows:
            axes.text(0.5, 0.5, "no lines", fontsize=9, color=_FAINT, ha="center", va="center")


def _spaced(label: str) -> str:
    """Words instead of a logical id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", label)


def _beginning_of(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}\u2026"


def _end_of(text: str, longest: int) -> str:
    """What distinguishes one name from another is at its end."""
    return text if len(text) <= longest else f"\u2026{text[1 - longest :]}"


def _in_legend(lines: Sequence[Line]) -> tuple[list[tuple[int, Line]], int]:
    """The lines that get a label, with their numbers, and how many get none."""
    numbered = list(enumerate(lines))
    if len(lines) <= _MOST_LEGENDS:
        return numbered, 0
    highest = sorted(numbered, key=lambda each: max(each[1].values, default=-1.0), reverse=True)
    kept = sorted(highest[:_MOST_LEGENDS], key=lambda each: each[0])
    return kept, len(lines) - len(kept)


def _colors(labeled: Sequence[tuple[int, Line]]) -> dict[int, Color]:
    """A color for each line with a label, by its number; the others share one."""
    colors = colormaps["tab10"]
    return {number: colors(place % colors.N) for place, (number, _) in enumerate(labeled)}


def _dress(axes: Axes, unit: str, *, whole: bool) -> None:
    axes.set_ylabel("\n".join(textwrap.wrap(unit, 26)), fontsize=8, color=_FAINT)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=whole))
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.tick_params(labelsize=7.5, colors=_FAINT, length=2)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)


def _ticks(start: float, end: float) -> tuple[list[float], list[str]]:
    """Three to six round times, and how they are written."""
    step = next((each for each in _STEPS if (end - start) / each <= 6), _STEPS[-1])
    first = -(-start // step) * step
    times = [first + number * step for number in range(int((end - first) // step) + 1)]
    form = "%H:%M" if end - start <= 86_400 else "%d %b %H:%M"
    return times, [datetime.fromtimestamp(each, UTC).strftime(form) for each in times]


def _log_color(cells: Sequence[str], row: int) -> str:
    if row == 0:
        return _FAINT
    if "ERROR" in cells:
        return "#d13212"
    return "#b45309" if "WARNING" in cells else _INK
