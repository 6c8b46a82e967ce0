"""What the constructs tell a function by environment variables."""

from __future__ import annotations

import os

from .draining import Rates
from .inputs import positive
from .pacing import REQUESTS_PER_SECOND

RATE_VARIABLE = "REQUESTS_PER_SECOND"
SHARES_VARIABLE = "INTERPRETERS"
STACK_VARIABLE = "STACK_ID"


def rates() -> Rates:
    """How fast to go, and with how many others in this stack the pace is shared."""
    return Rates(
        limit=positive(os.environ.get(RATE_VARIABLE)) or REQUESTS_PER_SECOND,
        drains=int(positive(os.environ.get(SHARES_VARIABLE)) or 1),
    )


def own_stack() -> str:
    """Return the id of the function's own stack; empty where an earlier version did not say it."""
    return os.environ.get(STACK_VARIABLE, "")
