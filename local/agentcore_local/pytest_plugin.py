"""Fixtures for tests that need an AWS: `local_aws`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agentcore_local.local_aws import LocalAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS with IAM enforced, one for the session (for each worker under xdist)."""
    # Imported late: pytest loads this plugin in every project that has the package installed.
    try:
        from agentcore_local.local_aws import LocalAws
    except ModuleNotFoundError as error:
        pytest.fail(
            f"the fixture local_aws needs the package {error.name!r}, which is not installed; "
            "run: pip install 'cdk-code-interpreter[local]'",
            pytrace=False,
        )

    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def bootstrapped_aws(local_aws: LocalAws) -> LocalAws:
    """The session's local AWS, bootstrapped for the CDK."""
    local_aws.bootstrap()
    return local_aws
