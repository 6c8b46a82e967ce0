"""What `agentcore-local conformance` reports is what the AWS that it asked really does."""

import json
import os
import re
import signal
from dataclasses import asdict

import pytest

from agentcore_local import LocalAws
from agentcore_local.command import main
from agentcore_local.conformance.cleanup import clean_up
from agentcore_local.conformance.cost import estimate
from agentcore_local.conformance.laboratory import Laboratory
from agentcore_local.conformance.questions import Answer, Question
from agentcore_local.conformance.run import QUESTIONS, chosen, new_prefix, run
from agentcore_local.conformance.targets import AccountTarget, LocalTarget
from agentcore_local.service.behavior import ServiceBehavior

ONE_WAY = {
    "arn_as_identifier": False,
    "delete_with_ready_sessions_conflicts": True,
    "deleted_stays_visible_seconds": 0.0,
    "invoke_without_session_fails": True,
    "last_updated_moves": True,
    "merged_command_output": False,
    "region_in_sessions": False,
    "same_name_conflicts": True,
    "second_delivery_source_conflicts": True,
    "stop_of_ended_session_fails": True,
    "unconditioned_trust_fails": True,
    "usage_resource": "id",
}
OTHER_WAY = {
    name: {"id": "arn", 0.0: 60.0}.get(value, not value) for name, value in ONE_WAY.items()
} | {"arn_as_identifier": True, "merged_command_output": True, "region_in_sessions": True}


def left_of(aws: LocalAws, prefix: str) -> list[str]:
    """Names that begin with a run's prefix, in every service that a run uses."""
    control = aws.client("bedrock-agentcore-control")
    listed = control.list_code_interpreters(maxResults=100)["codeInterpreterSummaries"]
    names = [
        *(each["name"] for each in listed if each["status"] != "DELETED"),
        *(each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]),
        *(each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]),
        *(each["StackName"] for each in aws.client("cloudformation").describe_stacks()["Stacks"]),
        *(
            each["name"]
            for each in aws.client("logs").describe_delivery_sources()["deliverySources"]
        ),
        *(
            each["logGroupName"].rpartition("/")[2]
            for each in aws.client("logs").describe_log_groups()["logGroups"]
        ),
    ]
    return [name for name in names if name.replace("-", "_").startswith(prefix)]


def question_that(ask) -> Question:
    return Question(id="probe", text="What happens?", matters="It is a test.", ask=ask)


@pytest.mark.parametrize("behavior", [ONE_WAY, OTHER_WAY], ids=["one way", "the other way"])
def test_the_report_tells_the_truth_whichever_way_the_service_behaves(behavior, tmp_path):
    with LocalAws(behavior=behavior) as aws:
        prefix = new_prefix()
        report = run(LocalTarget(aws), prefix=prefix, deployment=False)
        started = len(aws.admin("GET", "sessions")["sessions"])

        assert [finding.problem for finding in report.findings if finding.problem] == []
        assert report.behavior() == behavior
        assert report.passed
        assert left_of(aws, prefix) == []

    assert started <= estimate(QUESTIONS, deployment_sessions=0).sessions
    data, text = report.write(tmp_path)
    assert json.loads(data.read_text())["behavior"] == behavior
    assert all(question.text in text.read_text() for question in QUESTIONS)


def test_every_switch_of_the_local_aws_has_a_question_or_a_reason():
    switches = set(asdict(ServiceBehavior()))
    # How long a state lasts is measured by nobody: it differs from call to call.
    durations = {"create_seconds", "delete_seconds", "network_interfaces_outlive_seconds"}

    assert switches - durations == {each.behavior for each in QUESTIONS if each.behavior}


@pytest.mark.timeout(600)
def test_a_stack_goes_through_its_whole_life(local_aws):
    prefix = new_prefix()
    report = run(LocalTarget(local_aws), prefix=prefix, questions=[])

    assert [(check.text, check.detail) for check in report.checks if not check.passed] == []
    assert len(report.checks) == 6
    assert left_of(local_aws, prefix) == []


@pytest.mark.timeout(600)
def test_a_deployment_that_fails_is_reported_and_cleaned_up(local_aws):
    prefix = new_prefix()
    local_aws.inject("create_fails", reason="no capacity", count=1)
    report = run(LocalTarget(local_aws), prefix=prefix, questions=[])
    local_aws.clear_faults()

    assert not report.passed
    assert [check.passed for check in report.checks] == [True, False, None, None, None, None]
    assert "no capacity" in report.checks[1].detail
    assert left_of(local_aws, prefix) == []


def everything(laboratory: Laboratory) -> None:
    """Make one of everything that a run makes, and leave it."""
    interpreter = laboratory.interpreter("left")
    for _ in range(3):
        laboratory.session(interpreter)
    laboratory.python_function("python3.13", "def handler(event, context):\n    return 1\n")


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt, signal.SIGTERM, RuntimeError], ids=["ctrl-c", "terminated", "error"]
)
def test_a_run_that_ends_early_still_cleans_up(local_aws, end):
    prefix = new_prefix()

    def ask(laboratory: Laboratory) -> Answer:
        everything(laboratory)
        assert left_of(local_aws, prefix)
        if end is signal.SIGTERM:
            os.kill(os.getpid(), signal.SIGTERM)
        raise end("it ended here")

    report = run(
        LocalTarget(local_aws), prefix=prefix, questions=[question_that(ask)], deployment=False
    )

    assert report.interrupted == (end is not RuntimeError)
    assert not report.passed
    assert left_of(local_aws, prefix) == []


def test_what_cannot_be_removed_is_named_and_can_be_removed_later(local_aws):
    prefix, target = new_prefix(), LocalTarget(local_aws)
    laboratory = Laboratory(target, prefix)
    interpreter = laboratory.interpreter("stuck")
    local_aws.inject("deny", operation="DeleteCodeInterpreter")

    [left] = clean_up(target, prefix)
    local_aws.clear_faults()

    assert interpreter in left
    assert "AccessDenied" in left
    assert clean_up(target, prefix) == []
    assert left_of(local_aws, prefix) == []


def test_only_what_begins_with_the_prefix_is_removed(local_aws):
    prefix, neighbor = new_prefix(), new_prefix()
    target = LocalTarget(local_aws)
    everything(Laboratory(target, neighbor))
    before = left_of(local_aws, neighbor)

    clean_up(target, prefix)

    assert left_of(local_aws, neighbor) == before
    assert clean_up(target, neighbor) == []


@pytest.fixture
def profile(local_aws, tmp_path, monkeypatch):
    """A profile whose account is the local AWS, as a user's configuration would name it."""
    configuration = tmp_path / "config"
    configuration.write_text(
        "[profile someone]\n"
        f"region = {local_aws.region}\n"
        f"endpoint_url = {local_aws.endpoint_url}\n"
        "aws_access_key_id = test\n"
        "aws_secret_access_key = test\n"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return "someone"


def test_an_account_is_asked_through_its_profile(local_aws, profile, tmp_path, capsys):
    main(
        [
            "conformance",
            *("--profile", profile, "--yes-use-my-account"),
            *("--only", "stop-of-ended-session", "--output", str(tmp_path / "report")),
        ]
    )

    said = capsys.readouterr().out
    report = json.loads((tmp_path / "report" / "conformance.json").read_text())
    assert local_aws.account in report["target"]
    assert [answer["id"] for answer in report["answers"]] == ["stop-of-ended-session"]
    # The cost is named before anything is made.
    assert said.index("This costs at most $") < said.index("Is stopping a session")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "someone"], "--yes-use-my-account"),
        (["--yes-use-my-account"], "needs --profile"),
        (
            ["--profile", "someone", "--yes-use-my-account", "--behavior", "x=1"],
            "--behavior is for a local AWS",
        ),
        (["--profile", "nobody", "--yes-use-my-account"], "'nobody' cannot be used"),
        (["--only", "nothing"], "no question nothing"),
    ],
)
def test_no_account_is_touched_unless_both_options_say_so(arguments, message, profile, capsys):
    with pytest.raises(SystemExit):
        main(["conformance", *arguments])

    assert message in capsys.readouterr().err


def test_the_estimate_is_an_upper_bound_from_public_prices():
    cost = estimate(chosen([]), deployment_sessions=26)

    # Two processors and 8 GB at list price, five minutes a session.
    assert cost.dollars > cost.sessions / 12 * (2 * 0.0895 + 8 * 0.00945)
    assert cost.dollars < 1
    assert f"${cost.dollars:.2f}" in str(cost)


def test_an_account_that_is_not_bootstrapped_is_told_so(profile, tmp_path):
    # In a region of its own: other tests count on the bootstrap of the usual one.
    configuration = tmp_path / "config"
    text = configuration.read_text()
    configuration.write_text(re.sub("region = .*", "region = eu-north-1", text))
    target = AccountTarget(profile)

    with pytest.raises(RuntimeError, match="cdk bootstrap aws://"):
        target.prepare_cdk()
