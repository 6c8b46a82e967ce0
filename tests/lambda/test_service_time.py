"""By which clock sessions have an age: the one that the service's answers are dated by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from session_manager.pacing import CLOCK, Deadline, Pace
from session_manager.sessions import Caller, Sessions

EIGHT = "Wed, 25 Nov 2026 20:00:00 GMT"


def dated(date, **page):
    return {"items": [], "ResponseMetadata": {"HTTPHeaders": {"date": date}}, **page}


def listed(*answers):
    """Sessions whose list was answered with these pages."""
    pages = iter(answers)

    class Service:
        @staticmethod
        def list_code_interpreter_sessions(**_arguments):
            return next(pages)

    sessions = Sessions(Service(), "any", Caller(Pace(10_000.0, CLOCK), CLOCK))
    sessions.ready(Deadline(60, CLOCK))
    return sessions


def test_the_time_is_that_of_the_answer():
    assert listed(dated(EIGHT)).now() == datetime(2026, 11, 25, 20, tzinfo=UTC)


def test_of_several_pages_the_last_one_tells_the_time():
    first = dated("Wed, 25 Nov 2026 19:59:00 GMT", nextToken="more")
    assert listed(first, dated(EIGHT)).now() == datetime(2026, 11, 25, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        {"items": []},
        {"items": [], "ResponseMetadata": {}},
        {"items": [], "ResponseMetadata": {"HTTPHeaders": {}}},
        *map(dated, [None, "", "yesterday", "Wed, 25 Nov 2026 20:00:00 -0000"]),
    ],
)
def test_an_answer_without_a_date_is_taken_for_one_of_now(answer):
    before = datetime.now(UTC)
    assert before <= listed(answer).now() <= datetime.now(UTC)
