"""Dashboards of one, ten and fifty interpreters deploy, and are drawn."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, DefaultStackSynthesizer, Environment, Stack
from matplotlib.figure import Figure
from matplotlib.image import imread

from agentcore_local import LocalAws
from agentcore_local.picture import draw_dashboard, drawing
from agentcore_local.picture.contents import read_dashboard
from agentcore_local.picture.graphs import queries_of
from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.observability.dashboard import CodeInterpreterDashboard

ARN = (
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:"
    "code-interpreter-custom/tenant_{:02d}-0123456789"
)
SIZES = (1, 10, 50)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with a dashboard of each size, and some data for its interpreters."""
    with LocalAws() as running:
        for size in SIZES:
            deploy(running, tmp_path_factory.mktemp("fleet"), size)
        put_data(running)
        yield running


def deploy(aws: LocalAws, folder: Path, size: int) -> None:
    app = App(outdir=str(folder))
    stack = Stack(
        app,
        f"Fleet{size}",
        env=Environment(account=aws.account, region=aws.region),
        synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
    )
    interpreters = [
        CodeInterpreter.from_code_interpreter_arn(stack, f"Tenant{n:02d}", ARN.format(n))
        for n in range(size)
    ]
    CodeInterpreterDashboard(
        stack, "Dashboard", dashboard_name=f"fleet-{size:02d}", interpreters=interpreters
    )
    app.synth()
    template = (folder / f"Fleet{size}.template.json").read_text()
    bucket = f"templates-{size}"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="template", Body=template)
    stacks = aws.client("cloudformation")
    stacks.create_stack(
        StackName=f"Fleet{size}", TemplateURL=f"{aws.endpoint_url}/{bucket}/template"
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName=f"Fleet{size}", WaiterConfig={"Delay": 0.2, "MaxAttempts": 300}
    )


def put_data(aws: LocalAws) -> None:
    now = aws.admin("GET", "status")["now"]
    cloudwatch = aws.client("cloudwatch")
    for number in range(max(SIZES)):
        dimensions = {"Resource": ARN.format(number), "Operation": "InvokeCodeInterpreter"}
        cloudwatch.put_metric_data(
            Namespace="AWS/Bedrock-AgentCore",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    "Value": (number + 1) * (step % 7 + 1),
                    "Timestamp": now - 300 * step,
                }
                for name in ("Invocations", "Latency")
                for step in range(30)
            ],
        )


def draw(aws: LocalAws, name: str, output: Path) -> None:
    now = aws.admin("GET", "status")["now"]
    draw_dashboard(aws.client, name, output, now=now)


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_has_the_whole_dashboard_in_it(aws: LocalAws, tmp_path: Path, size: int) -> None:
    output = tmp_path / "pictures" / "fleet.png"
    draw(aws, f"fleet-{size:02d}", output)
    image = imread(output)
    assert image.shape[1] > 1500
    # No row of widgets is empty: each has ink in it.
    rows = image[..., :3].min(axis=(1, 2))
    band = len(rows) // 8
    assert all(rows[at : at + band].min() < 0.6 for at in range(0, len(rows) - band, band))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_in_a_picture_lies_on_anything_else(
    aws: LocalAws, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    make = drawing.Figure
    monkeypatch.setattr(drawing, "Figure", lambda **options: kept(figures, make(**options)))
    now = aws.admin("GET", "status")["now"]
    drawing.draw(read_dashboard(aws.client, f"fleet-{size:02d}", now=now, hours=None))
    (figure,) = figures
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    graphs = [each for each in figure.axes if each.axison]
    boxes = [each.get_tightbbox(renderer) for each in graphs]
    boxes += [each.get_window_extent(renderer) for each in figure.texts]
    lying = [
        (one, other)
        for number, one in enumerate(boxes)
        for other in boxes[:number]
        if one is not None and other is not None and shrunk(one).overlaps(shrunk(other))
    ]
    assert graphs
    assert lying == []
    assert all(each.get_ylabel() for each in graphs)


def kept(figures: list[Figure], figure: Figure) -> Figure:
    figures.append(figure)
    return figure


def shrunk(box: Any) -> Any:
    """A box without its outermost pixel: neighbors may touch."""
    return box.padded(-1)


class Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_page_needs_no_other_file_and_has_the_numbers(aws: LocalAws, tmp_path: Path) -> None:
    output = tmp_path / "fleet.html"
    draw(aws, "fleet-10", output)
    page = Tables()
    page.feed(output.read_text())
    (image,) = page.images
    encoded = re.fullmatch(r"data:image/png;base64,(.+)", image)
    assert encoded is not None
    assert imread(BytesIO(base64.b64decode(encoded[1]))).any()
    assert {"Code run (Calls in 5 minutes)", "Tenant09", "70"} <= set(page.text)


def test_a_dashboard_is_found_by_the_beginning_of_its_name(aws: LocalAws, tmp_path: Path) -> None:
    draw(aws, "fleet-1", tmp_path / "fleet.png")
    with pytest.raises(ValueError, match=r"no dashboard 'fleet'; there are: fleet-01, fleet-10"):
        draw(aws, "fleet", tmp_path / "fleet.png")


def test_another_kind_of_file_is_refused(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \.html, \.png, got 'fleet\.gif'"):
        draw(aws, "fleet-10", tmp_path / "fleet.gif")


def test_abbreviated_rows_stand_for_the_fields_above_them() -> None:
    rows = [["N", "a", "Who", "me"], [".", "b", ".", "you", {"stat": "Sum"}]]
    first, dots = queries_of({"metrics": rows})
    assert first["MetricStat"]["Stat"] == "Average"
    assert dots["MetricStat"] == {
        "Metric": {
            "Namespace": "N",
            "MetricName": "b",
            "Dimensions": [{"Name": "Who", "Value": "you"}],
        },
        "Period": 300,
        "Stat": "Sum",
    }
