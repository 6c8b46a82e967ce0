"""What errors mean: every error that the service declares, and those of the way to it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from session_manager.failures import CALL_ERRORS, Failure, classify

OPERATIONS = (
    "ListCodeInterpreterSessions",
    "StopCodeInterpreterSession",
    "StartCodeInterpreterSession",
    "InvokeCodeInterpreter",
)
MEANING = {
    "AccessDeniedException": Failure.DENIED,
    "ConflictException": Failure.CONFLICT,
    "InternalServerException": Failure.TRANSIENT,
    "ResourceNotFoundException": Failure.GONE,
    "ServiceQuotaExceededException": Failure.THROTTLED,
    "ThrottlingException": Failure.THROTTLED,
    "ValidationException": Failure.REFUSED,
}


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Stop"
    )


def declared_errors() -> dict[str, int]:
    model = botocore.session.get_session().get_service_model("bedrock-agentcore")
    return {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for operation in OPERATIONS
        for shape in model.operation_model(operation).error_shapes
    }


def test_every_error_that_the_service_declares_has_a_meaning():
    assert set(declared_errors()) == set(MEANING)


@pytest.mark.parametrize("code", ["Throttling", "TooManyRequestsException"])
def test_other_words_for_throttling_are_understood(code):
    assert classify(client_error(code, 400)) is Failure.THROTTLED


@pytest.mark.parametrize(("code", "meaning"), MEANING.items())
def test_a_declared_error_is_understood_by_its_code(code, meaning):
    assert classify(client_error(code, declared_errors()[code])) is meaning


def test_every_error_of_a_stream_of_results_is_understood_by_its_name():
    model = botocore.session.get_session().get_service_model("bedrock-agentcore")
    stream = model.operation_model("InvokeCodeInterpreter").output_shape.members["stream"]
    errors = {name: shape for name, shape in stream.members.items() if name != "result"}
    assert {shape.name for shape in errors.values()} == set(MEANING)
    for name, shape in errors.items():
        error = EventStreamError({"Error": {"Code": name}}, "InvokeCodeInterpreter")
        assert classify(error) is MEANING[shape.name]


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalServerException"])
def test_a_declared_error_is_understood_by_its_status_alone(code):
    assert classify(client_error("Unheard", declared_errors()[code])) is MEANING[code]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, Failure.DENIED),
        (404, Failure.GONE),
        (408, Failure.TRANSIENT),
        (409, Failure.CONFLICT),
        (429, Failure.THROTTLED),
        (499, Failure.REFUSED),
        (500, Failure.TRANSIENT),
        (503, Failure.TRANSIENT),
        (400, Failure.REFUSED),
    ],
)
def test_an_unknown_error_is_judged_by_its_status(status, meaning):
    assert classify(client_error("Unheard", status)) is meaning


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"),
        botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"),
        botocore.exceptions.ConnectionClosedError(endpoint_url="http://x"),
        botocore.exceptions.NoCredentialsError(),
    ],
)
def test_trouble_on_the_way_is_worth_another_try(error):
    assert classify(error) is Failure.TRANSIENT


def test_a_request_that_botocore_refuses_stays_refused():
    error = botocore.exceptions.ParamValidationError(report="sessionId")
    assert classify(error) is Failure.REFUSED


def test_an_error_without_any_detail_is_refused():
    assert classify(ClientError({}, "Stop")) is Failure.REFUSED


@pytest.fixture(params=["cut", "silent", "garbled"])
def broken_stream(request):
    """A server that begins to answer an Invoke, and then breaks off, says nothing, or nonsense."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.amazon.eventstream")
            self.send_header("Content-Length", "4096")
            self.end_headers()
            self.wfile.write(b"\0\0\0\x40" + (b"?" * 4092 if request.param == "garbled" else b""))
            self.wfile.flush()
            if request.param == "silent":
                over.wait()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_stream_of_results_that_breaks_is_trouble_on_the_way(broken_stream):
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=broken_stream,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}),
    )
    answer = client.invoke_code_interpreter(
        codeInterpreterIdentifier="aws.codeinterpreter.v1", sessionId="s" * 20, name="listFiles"
    )

    with pytest.raises(CALL_ERRORS) as raised:
        list(answer["stream"])

    assert classify(raised.value) is Failure.TRANSIENT
