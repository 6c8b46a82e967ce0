"""The protocol: one answer to everything that may arrive."""

from __future__ import annotations

import contextlib
import json
import urllib.error

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_manager import cloudformation
from session_manager.cloudformation import (
    CREATE_FAILED,
    LARGEST_ANSWER,
    Answer,
    AnswerLostError,
    Request,
    RequestFailedError,
    respond,
)


def succeed(request, context):
    return Answer("interpreter-0123456789", {"CodeInterpreterId": "interpreter-0123456789"})


def fail(request, context):
    raise RequestFailedError("three sessions are left; stop them")


def crash(request, context):
    raise KeyError("items")


def test_success_is_answered_with_what_cloudformation_asks_for(mailbox, request_event, context):
    respond(request_event("Create"), context, succeed)
    assert mailbox.answers == [
        {
            "Status": "SUCCESS",
            "Reason": "done",
            "PhysicalResourceId": "interpreter-0123456789",
            "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/Analytics/0a1b2c3d",
            "RequestId": "1f2e3d4c",
            "LogicalResourceId": "SandboxDrain",
            "Data": {"CodeInterpreterId": "interpreter-0123456789"},
        }
    ]


def test_the_answer_has_no_content_type_because_the_url_is_signed_without_one(
    mailbox, request_event, context
):
    respond(request_event("Create"), context, succeed)
    assert mailbox.content_types == [""]


def test_a_failure_says_why_and_where_the_log_is(mailbox, request_event, context):
    respond(request_event("Delete", "interpreter-0123456789"), context, fail)
    (answer,) = mailbox.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("three sessions are left; stop them (log group /aws/")
    assert "2026/11/22/[$LATEST]abc" in answer["Reason"]
    assert answer["PhysicalResourceId"] == "interpreter-0123456789"


def test_a_crash_is_answered_too(mailbox, request_event, context):
    respond(request_event("Update", "interpreter-0123456789"), context, crash)
    (answer,) = mailbox.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "interpreter-0123456789")
    assert "KeyError" in answer["Reason"]


@pytest.mark.parametrize("handle", [fail, crash])
def test_a_failed_create_leaves_nothing_to_delete(mailbox, request_event, context, handle):
    respond(request_event("Create"), context, handle)
    created = mailbox.answers[0]["PhysicalResourceId"]
    assert created.startswith(CREATE_FAILED)
    respond(request_event("Delete", created), context, crash)
    assert mailbox.answers[1]["Status"] == "SUCCESS"
    assert mailbox.answers[1]["PhysicalResourceId"] == created


def test_the_same_event_three_times_gets_the_same_answer(mailbox, request_event, context):
    for _ in range(3):
        respond(request_event("Create"), context, fail)
    assert mailbox.answers[0] == mailbox.answers[1] == mailbox.answers[2]


def test_two_resources_that_fail_have_different_ids(mailbox, request_event, context):
    respond(request_event("Create"), context, fail)
    respond({**request_event("Create"), "LogicalResourceId": "Other"}, context, fail)
    first, second = (each["PhysicalResourceId"] for each in mailbox.answers)
    assert first != second


def test_a_refused_answer_is_sent_again(mailbox, request_event, context, manual_clock):
    mailbox.refusals = 2
    respond(request_event("Create"), context, succeed, clock=manual_clock.clock)
    assert len(mailbox.answers) == 1
    assert len(manual_clock.slept) == 2
    assert manual_clock.slept[0] < manual_clock.slept[1] * 1.01


def test_when_nobody_can_be_told_lambda_is_so_that_it_sends_the_event_again(
    mailbox, request_event, context, manual_clock
):
    mailbox.refusals = 99
    with pytest.raises(AnswerLostError) as raised:
        respond(request_event("Create"), context, succeed, clock=manual_clock.clock)
    assert mailbox.refusals == 99 - cloudformation.DELIVERY_ATTEMPTS
    assert len(manual_clock.slept) == cloudformation.DELIVERY_ATTEMPTS - 1
    assert str(raised.value) == "CloudFormation did not accept the answer"
    assert raised.value.__suppress_context__


def test_all_attempts_end_before_the_function_does():
    longest = cloudformation.DELIVERY_ATTEMPTS * (cloudformation.DELIVERY_TIMEOUT + 5.0)
    hanging_call = 3.0 + 10.0
    assert hanging_call + longest < 15.0 + cloudformation.TIME_TO_ANSWER


@pytest.mark.parametrize("handle", [succeed, fail, crash])
def test_the_url_is_a_secret_and_never_logged(
    mailbox, request_event, context, capfd, manual_clock, handle
):
    mailbox.refusals = 1
    respond(request_event("Create"), context, handle, clock=manual_clock.clock)
    bad = {**request_event("Create"), "ResponseURL": "http://bad host/SECRET Signature"}
    with pytest.raises(AnswerLostError):
        respond(bad, context, handle, clock=manual_clock.clock)
    output = capfd.readouterr()
    assert "custom resource request" in output.out
    assert "SECRET" not in output.out + output.err
    assert "ResponseURL" not in output.out


def test_only_web_addresses_are_answered_to(tmp_path, request_event, context, mailbox):
    target = tmp_path / "answer"
    respond({**request_event("Create"), "ResponseURL": target.as_uri()}, context, succeed)
    assert not target.exists()


def test_an_event_without_an_address_is_logged_as_an_error(log_lines, context):
    respond({"RequestType": "Create"}, context, succeed)
    assert log_lines()[-1]["level"] == "ERROR"


@pytest.mark.parametrize("event", [None, [], "text", 7, {}])
def test_an_event_that_is_no_request_does_no_harm(event, context):
    calls = []
    respond(event, context, lambda request, context: calls.append(request))
    assert calls == []


def test_a_reason_of_any_length_is_cut_to_what_cloudformation_takes(
    mailbox, request_event, context
):
    def fail_at_length(request, context):
        raise RequestFailedError("é" * 10_000)

    respond(request_event("Create"), context, fail_at_length)
    assert len(mailbox.bodies[0]) <= LARGEST_ANSWER
    assert mailbox.answers[0]["Status"] == "FAILED"


def test_a_long_reason_is_kept_as_far_as_it_fits(mailbox, request_event, context):
    def fail_at_length(request, context):
        raise RequestFailedError("x" * 1500)

    respond(request_event("Create"), context, fail_at_length)
    assert "x" * 1500 in mailbox.answers[0]["Reason"]


def test_a_refusal_with_an_error_status_counts_as_one(mailbox, manual_clock):
    mailbox.refusals = 1
    with pytest.raises(urllib.error.HTTPError) as raised:
        cloudformation.put_answer(mailbox.url, b"{}")
    raised.value.close()


def test_what_is_asked_reaches_the_handler_without_the_address(request_event, context):
    asked = []

    def handle(request, context):
        asked.append((request, context))
        return Answer("id")

    event = request_event("Update", "old", Name="Sandbox")
    respond(event, context, handle, put=lambda url, body: None)
    ((request, given),) = asked
    assert given is context
    assert request == Request(
        type="Update",
        physical_id="old",
        stack_id=event["StackId"],
        logical_id="SandboxDrain",
        properties=event["ResourceProperties"],
    )


@pytest.mark.parametrize("properties", [None, [], "text", 7])
def test_properties_that_are_none_are_empty(request_event, context, properties):
    asked = []

    def handle(request, context):
        asked.append(request.properties)
        return Answer("id")

    event = {**request_event("Create"), "ResourceProperties": properties}
    respond(event, context, handle, put=lambda url, body: None)
    assert asked == [{}]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_answer_goes_to_the_address_as_it_is(request_event, context, scheme):
    sent = []
    event = {**request_event("Create"), "ResponseURL": f"{scheme}://bucket/answer?X=1"}
    respond(event, context, succeed, put=lambda url, body: sent.append(url))
    assert sent == [f"{scheme}://bucket/answer?X=1"]


def test_what_was_asked_and_answered_is_logged(request_event, context, log_lines, mailbox):
    event = request_event("Delete", "old")
    respond(event, context, succeed)
    respond(event, context, fail)
    public = {name: value for name, value in event.items() if name != "ResponseURL"}
    asked = {"level": "INFO", "message": "custom resource request", "request": public}
    answered = {"message": "custom resource answer"}
    data = {"CodeInterpreterId": "interpreter-0123456789"}
    assert log_lines() == [
        asked,
        {"level": "INFO", **answered, "reason": "", "data": data},
        asked,
        {
            "level": "ERROR",
            **answered,
            "reason": "three sessions are left; stop them",
            "data": {},
        },
    ]


def test_trouble_with_the_answer_is_logged(
    mailbox, request_event, context, log_lines, manual_clock
):
    mailbox.refusals = 1
    respond(request_event("Create"), context, succeed, clock=manual_clock.clock)
    assert log_lines()[-1] == {
        "level": "WARNING",
        "message": "the answer was not accepted",
        "error": "HTTPError",
    }
    respond({"RequestType": "Create"}, context, succeed)
    assert log_lines()[-1] == {
        "level": "ERROR",
        "message": "the event has no URL to answer to",
    }


def test_a_context_that_knows_no_log_is_good_enough(request_event, mailbox):
    respond(request_event("Create"), object(), fail)
    assert mailbox.answers[0]["Reason"].endswith("(log group unknown, stream unknown)")


def test_a_create_that_fails_has_the_marker_whatever_id_it_came_with(
    mailbox, request_event, context
):
    respond(request_event("Create", "given"), context, fail)
    assert mailbox.answers[0]["PhysicalResourceId"].startswith(CREATE_FAILED)


def test_the_delivery_does_not_wait_for_ever(monkeypatch):
    waited = []

    @contextlib.contextmanager
    def urlopen(request, timeout=None):
        waited.append(timeout)
        yield

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    cloudformation.put_answer("http://127.0.0.1/answer", b"{}")
    assert waited == [cloudformation.DELIVERY_TIMEOUT]


def test_an_answer_of_exactly_the_largest_size_is_left_alone(context):
    def body(length):
        return cloudformation.answer_body({}, Answer("id", {"x": "a" * length}), context)

    fitting = LARGEST_ANSWER - len(body(0))
    assert len(body(fitting)) == LARGEST_ANSWER
    assert json.loads(body(fitting))["Data"] == {"x": "a" * fitting}
    assert json.loads(body(fitting + 1))["Data"] == {}


def test_where_the_answer_is_too_long_its_ids_are_kept_before_its_reason(context):
    exact = "s" * (cloudformation.LONGEST_IDENTIFIER - 2)
    answer = Answer("id", {"Left": "3"}, failure="é" * 10_000)
    body = cloudformation.answer_body({"StackId": exact, "RequestId": 7}, answer, context)
    fields = json.loads(body)
    assert (fields["StackId"], fields["RequestId"], fields["PhysicalResourceId"]) == (
        exact,
        "",
        "id",
    )
    assert fields["Data"] == {}
    assert set(fields["Reason"]) == {"é"}
    assert len(fields["Reason"]) >= 40


@pytest.mark.parametrize("request_type", ["create", "Dance", ""])
def test_a_request_of_another_type_is_refused_by_name(
    mailbox, request_event, context, request_type
):
    respond(request_event(request_type, "id"), context, succeed)
    reason = mailbox.answers[0]["Reason"]
    assert reason.startswith(
        f"RequestType must be Create, Update or Delete, got {request_type!r} (log group"
    )


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
malformed_events = st.fixed_dictionaries(
    {},
    optional={
        "RequestType": st.sampled_from(["Create", "Update", "Delete", "create", ""]) | garbage,
        "PhysicalResourceId": st.text(max_size=3000) | garbage,
        "StackId": st.text(max_size=3000) | garbage,
        "RequestId": st.text(max_size=3000) | garbage,
        "LogicalResourceId": st.text(max_size=3000) | garbage,
        "ResourceProperties": st.dictionaries(st.text(), garbage, max_size=4) | garbage,
        "OldResourceProperties": garbage,
        "ResourceType": garbage,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(malformed_events, st.sampled_from([succeed, fail, crash]))
def test_every_event_with_an_address_gets_exactly_one_answer(mailbox, context, event, handle):
    mailbox.answers.clear()
    mailbox.bodies.clear()
    respond({**event, "ResponseURL": mailbox.url}, context, handle)
    (answer,) = mailbox.answers
    assert answer["Status"] in ("SUCCESS", "FAILED")
    assert answer["PhysicalResourceId"]
    assert set(answer) == {
        "Status",
        "Reason",
        "PhysicalResourceId",
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "Data",
    }
    assert len(mailbox.bodies[0]) <= LARGEST_ANSWER
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        given = event.get(name)
        if isinstance(given, str) and len(json.dumps(given)) < 200:
            assert answer[name] == given
