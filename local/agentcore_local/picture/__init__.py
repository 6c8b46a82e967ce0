"""A picture of a deployed dashboard: what one would see in the console, before ever deploying.

It is drawn from the dashboard's own JSON and from what the local CloudWatch answers to the
queries in it, so a graph that would stay empty on AWS stays empty here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentcore_local.picture.contents import read_dashboard

FORMATS = (".html", ".png")


def draw_dashboard(
    client: Callable[[str], Any],
    name: str,
    output: Path,
    *,
    now: float,
    hours: float | None = None,
) -> None:
    """Draw a dashboard into a file.

    Args:
        client: Gives a boto3 client by the service's name, such as `LocalAws.client`.
        name: The dashboard's name, or the beginning of just one.
        output: A `.png` or `.html` file.
        now: The end of the time that is shown, in seconds since the epoch.
        hours: How long that time is. Default: as long as the dashboard says.

    Raises:
        ValueError: There is no such dashboard, or the file is of another kind.
    """
    if output.suffix not in FORMATS:
        raise ValueError(f"the picture must be one of {', '.join(FORMATS)}, got {output.name!r}")
    dashboard = read_dashboard(client, name, now=now, hours=hours)
    # Imported late: the plotting library takes a second.
    from agentcore_local.picture.drawing import draw
    from agentcore_local.picture.page import page_of

    image = draw(dashboard)
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".png":
        output.write_bytes(image)
    else:
        output.write_text(page_of(dashboard, image), encoding="utf-8")
