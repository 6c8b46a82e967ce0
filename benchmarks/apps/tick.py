"""One tick of a janitor that has nothing to do; prints which operations it called."""

import json
import sys

from session_manager import janitor
from session_manager.clients import control_client, session_client


class Context:
    invoked_function_arn = ""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


calls: list[str] = []
for client in (session_client(None), control_client(None)):
    client.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
janitor.handler({"task": "sweep", "interpreter_id": sys.argv[1]}, Context())
print(json.dumps(calls))
