"""`agentcore-local`, run as a user runs it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Command:
    """Runs the installed command with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            ["agentcore-local", *arguments, "--data-folder", str(self.folder)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or finished.returncode == 0, finished.stderr
        return finished


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    run = Command(tmp_path / "data")
    yield run
    run("down", check=False)


@pytest.fixture
def exports(command: Command) -> dict[str, str]:
    printed = command("up", "--detach", "--port", "0", "--region", "eu-west-1").stdout
    return dict(re.findall(r"^export (AWS_\w+)=(.*)$", printed, flags=re.MULTILINE))


def test_the_exports_point_any_tool_at_it(exports: dict[str, str]) -> None:
    identity = subprocess.run(
        ["aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text"],
        env={"PATH": os.environ["PATH"], **exports},
        capture_output=True,
        text=True,
        check=True,
    )

    assert identity.stdout.strip() == "111122223333"
    assert exports["AWS_REGION"] == "eu-west-1"


@pytest.mark.usefixtures("exports")
def test_a_second_server_with_the_same_folder_is_refused(command: Command) -> None:
    second = command("up", "--detach", "--port", "0", check=False)

    assert second.returncode == 1
    assert "runs already" in second.stderr


@pytest.mark.usefixtures("exports")
def test_status_tells_account_and_region_until_it_is_down(command: Command) -> None:
    running = command("status").stdout
    command("down")
    stopped = command("status", check=False)

    assert "111122223333" in running
    assert stopped.returncode == 1
    assert "agentcore-local up" in stopped.stderr


def test_another_address_is_refused(command: Command) -> None:
    refused = command("up", "--detach", "--host", "0.0.0.0", check=False)

    assert refused.returncode == 1
    assert "loopback" in refused.stderr


def test_a_wrong_region_is_refused(command: Command) -> None:
    refused = command("up", "--detach", "--region", "narnia", check=False)

    assert refused.returncode == 1
    assert "'narnia'" in refused.stderr
