"""Every constraint of the service model, broken once: ValidationException, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.model import OperationModel
from botocore.serialize import create_serializer

OPERATIONS = {
    "bedrock-agentcore-control": [
        "CreateCodeInterpreter",
        "GetCodeInterpreter",
        "ListCodeInterpreters",
        "DeleteCodeInterpreter",
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
    ],
    "bedrock-agentcore": [
        "StartCodeInterpreterSession",
        "GetCodeInterpreterSession",
        "ListCodeInterpreterSessions",
        "StopCodeInterpreterSession",
        "InvokeCodeInterpreter",
    ],
}
ARN = "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/known-1234567890"
TOKEN = "t" * 40
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ca-AbCdEf"
CERTIFICATES = [{"location": {"secretsManager": {"secretArn": SECRET}}}]
ACCESS_POINT = "arn:aws:s3files:us-east-1:111122223333:file-system/fs-" + "0" * 17
MOUNTS = [
    {
        "s3FilesConfiguration": {
            "accessPointArn": f"{ACCESS_POINT}/access-point/fsap-{'0' * 17}",
            "fileSystemArn": ACCESS_POINT,
            "mountPath": "/mnt/data",
        }
    },
    {
        "efsConfiguration": {
            "accessPointArn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/"
            f"fsap-{'0' * 17}",
            "fileSystemArn": "arn:aws:elasticfilesystem:us-east-1:111122223333:file-system/"
            f"fs-{'0' * 17}",
            "mountPath": "/mnt/efs",
        }
    },
]
# One request per operation that sets every member, so that every constraint can be broken.
FULL: dict[str, dict[str, Any]] = {
    "CreateCodeInterpreter": {
        "name": "whole",
        "description": "d",
        "executionRoleArn": "arn:aws:iam::111122223333:role/Execution",
        "networkConfiguration": {
            "networkMode": "VPC",
            "vpcConfig": {
                "securityGroups": ["sg-12345678"],
                "subnets": ["subnet-12345678"],
                "requireServiceS3Endpoint": True,
            },
        },
        "certificates": CERTIFICATES,
        "filesystemConfigurations": MOUNTS,
        "clientToken": TOKEN,
        "tags": {"key": "value"},
    },
    "GetCodeInterpreter": {"codeInterpreterId": "known-1234567890"},
    "ListCodeInterpreters": {"maxResults": 5, "nextToken": "t", "type": "CUSTOM"},
    "DeleteCodeInterpreter": {"codeInterpreterId": "known-1234567890", "clientToken": TOKEN},
    "TagResource": {"resourceArn": ARN, "tags": {"key": "value"}},
    "UntagResource": {"resourceArn": ARN, "tagKeys": ["key"]},
    "ListTagsForResource": {"resourceArn": ARN},
    "StartCodeInterpreterSession": {
        "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
        "traceId": "t",
        "traceParent": "p",
        "name": "n",
        "sessionTimeoutSeconds": 60,
        "certificates": CERTIFICATES,
        "filesystemConfigurations": MOUNTS,
        "clientToken": TOKEN,
    },
    "GetCodeInterpreterSession": {
        "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
        "sessionId": "01ABC",
    },
    "ListCodeInterpreterSessions": {
        "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
        "maxResults": 5,
        "nextToken": "t",
        "status": "READY",
    },
    "StopCodeInterpreterSession": {
        "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
        "traceId": "t",
        "traceParent": "p",
        "sessionId": "01ABC",
        "clientToken": TOKEN,
    },
    "InvokeCodeInterpreter": {
        "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
        "sessionId": "01ABC",
        "traceId": "t",
        "traceParent": "p",
        "name": "executeCode",
        "arguments": {
            "code": "1",
            "language": "python",
            "clearContext": False,
            "command": "ls",
            "path": "p",
            "paths": ["p"],
            "content": [{"path": "p", "text": "t", "blob": b"b"}],
            "directoryPath": "d",
            "taskId": "t",
            "runtime": "python",
        },
    },
}


@dataclass(frozen=True)
class Broken:
    """One request with one broken constraint."""

    operation: str
    path: tuple[Any, ...]
    constraint: str
    value: Any  # what stands at the path instead; REMOVED for a missing member

    def __str__(self) -> str:
        return f"{self.operation}:{'.'.join(map(str, self.path))}:{self.constraint}"


REMOVED = object()
LARGEST_TEXT = 100_000  # constraints on texts of 100 MB are too dear to break here


def broken_requests() -> Iterator[Broken]:
    session = botocore.session.get_session()
    for service, operations in OPERATIONS.items():
        model = session.get_service_model(service)
        for name in operations:
            shape: Any = model.operation_model(name).input_shape
            yield from _of_shape(name, shape, FULL[name], ())


def _of_shape(operation: str, shape: Any, value: Any, path: tuple[Any, ...]) -> Iterator[Broken]:
    for constraint, wrong in _own(shape, value):
        yield Broken(operation, path, constraint, wrong)
    if shape.type_name == "structure":
        yield from _of_structure(operation, shape, value, path)
    elif shape.type_name == "list":
        for number, member in enumerate(value):
            yield from _of_shape(operation, shape.member, member, (*path, number))
    elif shape.type_name == "map":
        for key, member in value.items():
            for constraint, wrong in _own(shape.key, key):
                yield Broken(operation, path, f"key {constraint}", {wrong: member})
            yield from _of_shape(operation, shape.value, member, (*path, key))


def _of_structure(
    operation: str, shape: Any, value: Any, path: tuple[Any, ...]
) -> Iterator[Broken]:
    for name in shape.required_members:
        if not _in_path(shape.members[name]):
            yield Broken(operation, (*path, name), "required", REMOVED)
    if shape.metadata.get("union"):
        yield Broken(operation, path, "union of none", {})
    for name, member in value.items():
        yield from _of_shape(operation, shape.members[name], member, (*path, name))


def _in_path(shape: Any) -> bool:
    return bool(shape.serialization.get("location") == "uri")


def _own(shape: Any, value: Any) -> Iterator[tuple[str, Any]]:
    if shape.type_name in ("integer", "long"):
        yield from _out_of_range(shape.metadata)
    elif shape.type_name in ("string", "blob", "list", "map"):
        yield from _of_wrong_size(shape, value)
    if "enum" in shape.metadata:
        yield "enum", "Neither"
    if "pattern" in shape.metadata:
        # What is below /tags/ and does not look like an interpreter is another service's.
        yield "pattern", f"{value}/!" if value == ARN else "no !match"


def _out_of_range(metadata: dict[str, int]) -> Iterator[tuple[str, Any]]:
    if "min" in metadata:
        yield "least value", metadata["min"] - 1
    if "max" in metadata:
        yield "most value", metadata["max"] + 1


def _of_wrong_size(shape: Any, value: Any) -> Iterator[tuple[str, Any]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max", LARGEST_TEXT)
    if least and not _in_path(shape):
        yield "least size", _sized(value, least - 1)
    if most < LARGEST_TEXT:
        yield "most size", _sized(value, most + 1)


def _sized(value: Any, size: int) -> Any:
    if isinstance(value, dict):
        return {f"key{number}": "" for number in range(size)}
    if isinstance(value, list):
        return (value * (size + 1))[:size]
    return (value * (size + 1))[:size]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a value with something else at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is REMOVED:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


BROKEN = list(broken_requests())


class RawClient:
    """Signs and sends requests that a client's own validation would not let through."""

    def __init__(self, local: Any) -> None:
        self._local = local

    def send(self, operation: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        service = next(name for name, names in OPERATIONS.items() if operation in names)
        client = self._local.client(service)
        model: OperationModel = client.meta.service_model.operation_model(operation)
        request = create_serializer("rest-json", False).serialize_to_request(params, model)
        path, query = request["url_path"], request["query_string"]
        return self.send_raw(client, request["method"], path, query, request["body"], request)

    def send_raw(
        self, client: Any, method: str, path: str, query: Any, body: Any, extra: Any = None
    ) -> tuple[int, dict[str, Any]]:
        request = AWSRequest(
            method=method,
            url=self._local.backend.endpoint_url + path,
            params=query,
            data=body,
            headers=dict((extra or {}).get("headers", {})),
        )
        client._request_signer.sign("RawCall", request)
        response = client._endpoint.http_session.send(request.prepare())
        return response.status_code, json.loads(response.content or b"{}")


def everything(local: Any) -> Any:
    """All that requests could have changed."""
    interpreters = local.control.list_code_interpreters()["codeInterpreterSummaries"]
    return interpreters, local.service.sessions()


def test_the_whole_request_of_each_operation_breaks_nothing(local: Any) -> None:
    """The requests that are broken below fail for the broken constraint alone."""
    for operation, params in FULL.items():
        if operation == "InvokeCodeInterpreter":
            continue  # its code and session are looked at below
        status, answer = RawClient(local).send(operation, params)
        unknown_token = answer.get("fieldList", [{}])[0].get("name") == "nextToken"
        assert status < 300 or status == 404 or unknown_token, (operation, answer)


def test_there_is_something_to_break_in_each_operation() -> None:
    named = {broken.operation for broken in BROKEN}
    assert named == set(FULL)
    assert len(BROKEN) > 120


@pytest.mark.parametrize("operation", list(FULL))
def test_each_broken_constraint_is_refused_and_named(local: Any, operation: str) -> None:
    before = everything(local)
    raw = RawClient(local)
    wrong = []
    for broken in (each for each in BROKEN if each.operation == operation):
        params = replaced(FULL[operation], broken.path, broken.value)
        status, answer = raw.send(operation, params)
        field = ".".join(map(str, broken.path))
        named = [each["name"] for each in answer.get("fieldList", [])]
        if (
            status != 400
            or answer.get("reason") != "FieldValidationFailed"
            or not any(name.startswith(field) for name in named)
        ):
            wrong.append((str(broken), status, answer))
    assert wrong == []
    assert everything(local) == before


def test_both_members_of_a_union_are_too_many(local: Any) -> None:
    both = [{**MOUNTS[0], **MOUNTS[1]}]
    params = FULL["StartCodeInterpreterSession"] | {"filesystemConfigurations": both}
    status, answer = RawClient(local).send("StartCodeInterpreterSession", params)
    assert (status, answer["fieldList"][0]["name"]) == (400, "filesystemConfigurations.0")


def test_all_that_is_wrong_is_said_at_once(local: Any) -> None:
    params = {"name": "no-hyphens", "networkConfiguration": {"networkMode": "NONE"}}
    status, answer = RawClient(local).send("CreateCodeInterpreter", params)
    assert status == 400
    assert {field["name"] for field in answer["fieldList"]} == {
        "name",
        "networkConfiguration.networkMode",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"name": 5}',
        b'{"sessionTimeoutSeconds": "60"}',
        b'{"sessionTimeoutSeconds": 1.5}',
        b'{"sessionTimeoutSeconds": true}',
        b'{"sessionTimeoutSeconds": 1e999}',
        b'{"sessionTimeoutSeconds": ' + b"9" * 400 + b"}",
        b'{"certificates": {}}',
        b'{"certificates": [1]}',
        b'{"name": "\\ud800"}',
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_cannot_be_parsed_is_refused(local: Any, body: bytes) -> None:
    before = everything(local)
    path = "/code-interpreters/aws.codeinterpreter.v1/sessions/start"
    status, answer = RawClient(local).send_raw(local.data, "PUT", path, {}, body)
    assert (status, answer["reason"]) == (400, "CannotParse")
    assert everything(local) == before


def test_unknown_members_are_ignored_and_null_is_not_set(local: Any) -> None:
    path = "/code-interpreters/aws.codeinterpreter.v1/sessions/start"
    body = json.dumps({"fromTheFuture": {"a": 1}, "name": None, "sessionTimeoutSeconds": 60})
    status, answer = RawClient(local).send_raw(local.data, "PUT", path, {}, body.encode())
    assert status == 200
    found = local.data.get_code_interpreter_session(
        codeInterpreterIdentifier="aws.codeinterpreter.v1", sessionId=answer["sessionId"]
    )
    assert found["sessionTimeoutSeconds"] == 60
    assert "name" not in found


def test_an_unknown_operation_is_not_found(local: Any) -> None:
    path = "/code-interpreters/aws.codeinterpreter.v1/sessions/other"
    status, _ = RawClient(local).send_raw(local.data, "PUT", path, {}, b"")
    assert status == 404


def test_answers_have_the_shapes_of_the_model(local: Any) -> None:
    """botocore's parser reads what the model names; each required member must be there."""
    identifier = local.create("shapes", description="d", tags={"a": "b"})
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    session = local.session(identifier, name="n")
    calls = {
        "GetCodeInterpreter": {"codeInterpreterId": identifier},
        "ListCodeInterpreters": {},
        "ListTagsForResource": {"resourceArn": arn},
        "GetCodeInterpreterSession": {
            "codeInterpreterIdentifier": identifier,
            "sessionId": session.id,
        },
        "ListCodeInterpreterSessions": {"codeInterpreterIdentifier": identifier},
        "StopCodeInterpreterSession": {
            "codeInterpreterIdentifier": identifier,
            "sessionId": session.id,
        },
        "DeleteCodeInterpreter": {"codeInterpreterId": identifier},
    }
    models = botocore.session.get_session()
    for operation, params in calls.items():
        service = next(name for name, names in OPERATIONS.items() if operation in names)
        _, answer = RawClient(local).send(operation, params)
        shape = models.get_service_model(service).operation_model(operation).output_shape
        _check_shape(shape, answer, operation)


def _check_shape(shape: Any, value: Any, path: str) -> None:
    if shape.type_name == "structure":
        assert set(shape.required_members) <= set(value), path
        assert set(value) <= set(shape.members), path
        for name, member in value.items():
            _check_shape(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for member in value:
            _check_shape(shape.member, member, path)
    elif "enum" in shape.metadata:
        assert value in shape.metadata["enum"], path
