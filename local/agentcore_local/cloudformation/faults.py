"""What CloudFormation does now and then on AWS, at a test's wish, and what it need not wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any


def _once(_request_type: str, _logical_id: str) -> int:
    return 1


@dataclass(kw_only=True)
class EngineSettings:
    """How this CloudFormation behaves where AWS's may behave one way or the other.

    Attributes:
        deliveries: how often an event of a custom resource is delivered to its function, by
            request type and logical id. Lambda delivers asynchronous events at least once.
        retry_delays: how long Lambda waits before it runs a function again that ended with an
            error, in seconds; two entries, as Lambda retries twice.
        cleanup_attempts: how often a delete is tried in the cleanup after an update.
        cleanup_delay: the seconds between those attempts.
        reverse_order: whether resources that do not depend on each other are handled in the
            reverse of their usual order. AWS handles them at the same time: a template that
            needs one order lacks a `DependsOn`.
    """

    deliveries: Callable[[str, str], int] = _once
    retry_delays: tuple[float, float] = (60.0, 120.0)
    cleanup_attempts: int = 3
    cleanup_delay: float = 0.2
    reverse_order: bool = False

    def change(self, **changes: Any) -> None:
        """Change settings by name.

        Raises:
            ValueError: there is no such setting.
        """
        known = [field.name for field in fields(self) if field.name != "deliveries"]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise ValueError(
                f"CloudFormation has no setting {', '.join(unknown)}; it has {', '.join(known)}"
            )
        for name, value in changes.items():
            setattr(self, name, tuple(value) if name == "retry_delays" else value)

    def reset(self) -> None:
        """Go back to the settings of the start."""
        for field in fields(self):
            if field.name != "deliveries":
                setattr(self, field.name, field.default)


settings = EngineSettings()
