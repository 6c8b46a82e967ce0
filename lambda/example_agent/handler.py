"""Runs the code of its event in a session of the code interpreter, as an agent's tool would."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import boto3
from botocore.config import Config

# Code may run for 15 minutes; botocore would give up after one, and would run it again. So may this
# function: it waits for a minute less, which leaves time to stop the session.
_client = boto3.client(
    "bedrock-agentcore", config=Config(read_timeout=840, retries={"total_max_attempts": 1})
)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Start a session, run `event["code"]` in it, and stop it however that ends.

    Args:
        event: `code`, and optionally `language` (python, javascript or typescript).
        context: Lambda's context; not used.

    Returns:
        `output`, the text that the code printed or its error, and `is_error`.
    """
    interpreter = os.environ["CODE_INTERPRETER_ID"]
    session = _client.start_code_interpreter_session(
        codeInterpreterIdentifier=interpreter,
        name="example-agent",
        sessionTimeoutSeconds=int(os.environ["CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS"]),
    )["sessionId"]
    try:
        answer = _client.invoke_code_interpreter(
            codeInterpreterIdentifier=interpreter,
            sessionId=session,
            name="executeCode",
            arguments={"language": event.get("language", "python"), "code": event["code"]},
        )
        return read_result(answer["stream"])
    finally:
        # A session that nobody stops bills its memory until its timeout.
        _client.stop_code_interpreter_session(
            codeInterpreterIdentifier=interpreter, sessionId=session
        )


def read_result(stream: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the events of a result stream.

    Errors of the service come as events too, and botocore raises them here.
    """
    texts: list[str] = []
    is_error = False
    for message in stream:
        result = message.get("result", {})
        is_error = is_error or bool(result.get("isError"))
        texts += [item["text"] for item in result.get("content", []) if item["type"] == "text"]
    return {"output": "\n".join(texts), "is_error": is_error}
