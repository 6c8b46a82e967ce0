"""What CloudFormation does now and then on AWS, at a test's wish, and what it need not wait for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(kw_only=True)
class EngineSettings:
    """How this CloudFormation behaves where AWS's may behave one way or the other.

    Attributes:
        deliveries: how often each event of a custom resource is delivered to its function. Lambda
            delivers asynchronous events at least once; 1 to 3.
        retry_delays: how long Lambda waits before it runs a function again that ended with an
            error, in seconds; two entries, as Lambda retries twice.
        cleanup_attempts: how often a delete is tried in the cleanup after an update.
        cleanup_delay: the seconds between those attempts.
        reverse_order: whether resources that do not depend on each other are handled in the
            reverse of their usual order. AWS handles them at the same time: a template that
            needs one order lacks a `DependsOn`.
    """

    deliveries: int = 1
    retry_delays: tuple[float, float] = (60.0, 120.0)
    cleanup_attempts: int = 3
    cleanup_delay: float = 0.2
    reverse_order: bool = False

    def change(self, **changes: Any) -> None:
        """Change settings by name.

        Raises:
            ValueError: there is no such setting, or its value is out of range.
        """
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise ValueError(
                f"CloudFormation has no setting {', '.join(unknown)}; it has {', '.join(known)}"
            )
        deliveries = changes.get("deliveries", self.deliveries)
        if deliveries not in (1, 2, 3):
            raise ValueError(f"deliveries must be 1, 2 or 3, got {deliveries!r}")
        for name, value in changes.items():
            setattr(self, name, tuple(value) if name == "retry_delays" else value)

    def reset(self) -> None:
        """Go back to the settings of the start."""
        for field in fields(self):
            setattr(self, field.name, field.default)


settings = EngineSettings()
