"""What deployments of test apps share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def without_validation() -> Iterator[None]:
    """Leave out the CDK's own validation of templates: it takes as long as all else of a synthesis.

    Tests of constructs and of the examples validate.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        yield
