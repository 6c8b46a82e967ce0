"""Everything that one account has in one region."""

from __future__ import annotations

from collections.abc import Callable

from agentcore_local.service.backend import Backend
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.faults import Faults
from agentcore_local.service.idempotency import IdempotencyTokens
from agentcore_local.service.interpreters import Interpreters
from agentcore_local.service.metrics import Metrics
from agentcore_local.service.sessions import Session, Sessions


class AccountRegion:
    """The state of the service for one account in one region.

    Args:
        account: The account.
        region: The region.
        backend: The AWS around.
        behavior: The answers to what is not documented.
        faults: What goes wrong on purpose.
        record_seconds: For how long the record of an ended session is kept.
        on_session_end: Called with this object and each session that ends.
    """

    def __init__(
        self,
        account: str,
        region: str,
        *,
        backend: Backend,
        behavior: ServiceBehavior,
        faults: Faults,
        record_seconds: float,
        on_session_end: Callable[[AccountRegion, Session], None],
    ) -> None:
        self.account = account
        self.region = region
        self.interpreters = Interpreters(backend, behavior, faults)
        self.sessions = Sessions(
            backend.now, behavior, record_seconds, lambda session: on_session_end(self, session)
        )
        self.tokens = IdempotencyTokens(backend.now)
        self.metrics = Metrics(backend, account, region)
        self.counted_until = backend.now()
        self.counted_sessions = False
