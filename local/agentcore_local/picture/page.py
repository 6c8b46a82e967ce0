"""A dashboard as a page: the picture, and what is in it as tables."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from agentcore_local.picture.contents import Alarms, Dashboard, Graph, LogTable

_STYLE = """
body { font-family: system-ui, sans-serif; color: #16191f; margin: 2rem auto; max-width: 90rem }
img { width: 100%; border: 1px solid #e5e7eb }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; font-size: 0.85rem }
th, td { text-align: left; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid #e5e7eb }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.ALARM { color: #d13212; font-weight: bold }
"""


def page_of(dashboard: Dashboard, image: bytes) -> str:
    """A page that needs no other file.

    Args:
        dashboard: The dashboard.
        image: Its picture, a PNG.
    """
    name = html.escape(dashboard.name)
    encoded = base64.b64encode(image).decode()
    times = " to ".join(_time(each) for each in (dashboard.start, dashboard.end))
    tables = "\n".join(_tables(dashboard))
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{name}</h1>\n<p>{times} UTC</p>\n"
        f'<img alt="The dashboard {name}" src="data:image/png;base64,{encoded}">\n'
        f"{tables}\n</html>\n"
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _tables(dashboard: Dashboard) -> Iterator[str]:
    for widget in dashboard.widgets:
        if isinstance(widget, Alarms):
            rows = [(each.label, each.state, each.reason) for each in widget.alarms]
            yield _table(widget.title, ("Alarm", "State", "Why"), rows)
        elif isinstance(widget, Graph):
            yield _graph(widget)
        elif isinstance(widget, LogTable):
            yield _table(widget.title, widget.columns, widget.rows)


def _graph(graph: Graph) -> str:
    rows = [
        (
            line.label,
            str(len(line.values)),
            *(f"{each:g}" for each in _summary(line.values)),
        )
        for line in graph.lines
    ]
    columns = ("Line", "Data points", "Latest", "Lowest", "Highest")
    return _table(f"{graph.title} ({graph.unit})", columns, rows)


def _summary(values: Sequence[float]) -> tuple[float, ...]:
    return (values[-1], min(values), max(values)) if values else ()


def _table(title: str, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(each)}</th>" for each in columns)
    body = "\n".join(f"<tr>{''.join(_cell(each) for each in row)}</tr>" for row in rows)
    return (
        f"<h2>{html.escape(title)}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


def _cell(text: str) -> str:
    kind = "ALARM" if text == "ALARM" else "number" if _is_number(text) else ""
    attribute = f' class="{kind}"' if kind else ""
    return f"<td{attribute}>{html.escape(text)}</td>"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
