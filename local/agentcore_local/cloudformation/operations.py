"""Which stacks are being worked on: one operation at a time, and a create can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class _Running:
    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.stop_requested = False


_running: dict[str, _Running] = {}


@asynccontextmanager
async def running(stack_id: str) -> AsyncIterator[None]:
    """While this lasts, a stack is being created, updated or rolled back."""
    operation = _running[stack_id] = _Running()
    try:
        yield
    finally:
        del _running[stack_id]
        operation.ended.set()


def stop_requested(stack_id: str) -> bool:
    """Whether the operation on a stack is to begin nothing more."""
    return stack_id in _running and _running[stack_id].stop_requested


async def stop(stack_id: str) -> None:
    """Let the operation on a stack end after the resource that it is at."""
    operation = _running.get(stack_id)
    if operation is not None:
        operation.stop_requested = True
        await operation.ended.wait()
