"""Web pages in a browser of this machine: they reach loopback, and must not reach the server."""

import http.client
import json
import socket

import pytest

from agentcore_local import LocalAws
from agentcore_local.web_pages import refusal

# The root key is no secret, and its signature is not checked: a page can write this itself.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
PREFLIGHT = {"Access-Control-Request-Method": "POST"}
FUNCTIONS = "/2015-03-31/functions/"
STATUS = "/_agentcore_local/status"


def answer_of(
    aws: LocalAws, method: str, path: str, headers: dict[str, str], host: str | None = None
) -> tuple[int, str]:
    address = aws.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": host or address, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost.example.com"])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("OPTIONS", FUNCTIONS, PREFLIGHT),
        ("GET", FUNCTIONS, {"Authorization": AUTHORIZATION}),
        ("GET", STATUS, {}),
    ],
    ids=["preflight", "signed with the known key", "administration"],
)
def test_a_page_of_another_site_is_refused(
    local_aws: LocalAws, method: str, path: str, headers: dict[str, str], origin: str
) -> None:
    status, text = answer_of(local_aws, method, path, {**headers, "Origin": origin})

    assert status == 403
    assert "web pages may not use this server" in json.loads(text)["message"]


def test_a_name_that_somebody_points_at_loopback_is_refused(local_aws: LocalAws) -> None:
    status, text = answer_of(local_aws, "GET", STATUS, {}, host="rebound.example.com:4566")

    assert status == 403
    assert "'rebound.example.com:4566'" in json.loads(text)["message"]


def test_programs_of_this_machine_are_served(local_aws: LocalAws) -> None:
    signed = {"Authorization": AUTHORIZATION}
    port = local_aws.endpoint_url.rpartition(":")[2]

    assert answer_of(local_aws, "GET", FUNCTIONS, signed)[0] == 200
    assert answer_of(local_aws, "GET", FUNCTIONS, signed, host=f"localhost:{port}")[0] == 200
    page = {**signed, "Origin": "http://localhost:3000"}  # a page that is developed here
    assert answer_of(local_aws, "GET", FUNCTIONS, page)[0] == 200


def test_a_web_socket_of_another_site_is_closed(local_aws: LocalAws) -> None:
    host, _, port = local_aws.endpoint_url.removeprefix("http://").partition(":")
    handshake = (
        f"GET /socket HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: https://example.com\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(handshake.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:4566"},
        {"host": "[::1]:4566"},
        {"host": "127.0.0.2"},
        {"host": "bucket.localhost:4566"},
        {"host": "host.docker.internal:4566"},
        {"host": "localhost:4566", "origin": "http://127.0.0.1:3000"},
        {"host": "localhost:4566", "sec-fetch-site": "none"},
    ],
)
def test_what_may_be_a_program_of_this_machine(headers: dict[str, str]) -> None:
    assert refusal(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "example.com"},
        {"host": "127.0.0.1.example.com"},
        {"host": "localhost.:4566@example.com"},
        {"host": "192.168.0.2:4566"},
        {"host": "[:4566"},
        {"host": "localhost:4566", "origin": "null"},
        {"host": "localhost:4566", "origin": "http://host.docker.internal"},
        {"host": "localhost:4566", "origin": ""},
        {"host": "localhost:4566", "sec-fetch-site": "cross-site"},
    ],
)
def test_what_may_not_be_one(headers: dict[str, str]) -> None:
    assert refusal(headers) is not None
