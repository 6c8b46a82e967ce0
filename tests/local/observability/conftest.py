"""A governed interpreter in a local AWS, deployed once for all tests about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentcore_local import LocalAws

from .observed import Observed, deployed


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    with LocalAws() as aws:
        yield deployed(aws, tmp_path_factory.mktemp("observed"))
