"""Drains one interpreter as the function does before its deletion, and prints how it went."""

import json
import sys
import time

from session_manager import drain
from session_manager.clients import session_client
from session_manager.cloudformation import Request


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


statuses: list[int] = []
session_client(None).meta.events.register(
    "after-call", lambda http_response, **_: statuses.append(http_response.status_code)
)
started = time.perf_counter()
answer = drain.handle(Request("Delete", sys.argv[1], "stack", "Drain", {}), Context())
print(
    json.dumps(
        {
            "seconds": time.perf_counter() - started,
            "requests": len(statuses),
            "throttled": statuses.count(429),
            "left": answer.data["LeftSessions"],
        }
    )
)
