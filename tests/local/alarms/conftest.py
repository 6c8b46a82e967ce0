"""One local AWS for the tests of alarms; each test names its own metrics and alarms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentcore_local import LocalAws


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
