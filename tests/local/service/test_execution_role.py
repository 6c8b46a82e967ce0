"""The execution role inside a session, and nothing of the caller."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest

from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import access_denied

METADATA = "Metadata-Version: 2.1\nName: ours\nVersion: 1\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ROLE = "arn:aws:iam::111122223333:role/Execution"


def run_python(session: Any, code: str) -> Any:
    session.invoke("writeFiles", content=[{"path": "check.py", "text": code}])
    found = session.invoke("executeCommand", command="python check.py")["structuredContent"]
    assert found["exitCode"] == 0, found["stderr"]
    return json.loads(found["stdout"])


CREDENTIALS = (
    "import json, botocore.session\n"
    "found = botocore.session.get_session().get_credentials()\n"
    "frozen = found and found.get_frozen_credentials()\n"
    "print(json.dumps(frozen and [frozen.access_key, frozen.token, found.method]))"
)


def test_an_sdk_in_a_session_finds_the_execution_role(local: Any) -> None:
    identifier = local.create("roled", executionRoleArn=ROLE)
    session = local.session(identifier)
    key, token, method = run_python(session, CREDENTIALS)
    assert (key, token, method) == ("ASIA0000000000000001", "token", "container-role")
    (assumed,) = local.backend.assumed
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    assert assumed == {
        "role_arn": ROLE,
        "source_account": "111122223333",
        "source_arn": arn,
        "session_name": f"BedrockAgentCore-{session.id}",
    }


def test_code_and_commands_have_the_same_role(local: Any) -> None:
    session = local.session(local.create("roled", executionRoleArn=ROLE))
    printed = session.run(CREDENTIALS)["structuredContent"]["stdout"]
    assert json.loads(printed)[0] == run_python(session, CREDENTIALS)[0]


def test_credentials_are_renewed_before_they_expire(local: Any) -> None:
    session = local.session(
        local.create("roled", executionRoleArn=ROLE), sessionTimeoutSeconds=9000
    )
    assert run_python(session, CREDENTIALS)[0] == "ASIA0000000000000001"
    local.backend.clock_offset += 1800
    assert run_python(session, CREDENTIALS)[0] == "ASIA0000000000000001"
    local.backend.clock_offset += 1500
    assert run_python(session, CREDENTIALS)[0] == "ASIA0000000000000002"


def test_without_a_role_there_are_no_credentials(local: Any) -> None:
    assert run_python(local.session(), CREDENTIALS) is None


def test_nothing_of_the_servers_environment_is_seen(
    monkeypatch: pytest.MonkeyPatch, start_local: Any
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATHECALLERSOWNKEY")
    monkeypatch.setenv("AWS_PROFILE", "callers-profile")
    monkeypatch.setenv("CALLERS_SECRET", "callers-secret")
    local = start_local(warm_kernels=1)
    monkeypatch.undo()
    session = local.session()
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    outputs = [
        session.invoke("executeCommand", command="env; cat /proc/self/environ")["content"],
        session.run(code)["content"],
        session.run("console.log(Deno.env.toObject())", language="javascript")["content"],
        session.run("console.log(process.env)", language="javascript", runtime="nodejs")["content"],
    ]
    for output in outputs:
        assert "CALLER" not in str(output).upper()


def test_the_home_of_a_session_is_its_own(local: Any) -> None:
    session = local.session()
    found = session.invoke("executeCommand", command='echo "$HOME"; ls -A "$HOME"')
    home, *entries = found["structuredContent"]["stdout"].split()
    assert session.id in home
    assert entries == []


@pytest.mark.parametrize("known", [False, True])
def test_the_aws_of_a_session_is_this_one(start_local: Any, known: bool) -> None:
    local = start_local(behavior=ServiceBehavior(region_in_sessions=known))
    session = local.session()
    command = 'echo "$AWS_ENDPOINT_URL $AWS_REGION $AWS_DEFAULT_REGION"; command -v aws'
    found = session.invoke("executeCommand", command=command)["structuredContent"]
    regions = ["us-east-1", "us-east-1"] if known else []
    assert found["stdout"].splitlines()[0].split() == [local.backend.endpoint_url, *regions]
    assert found["exitCode"] == 0


def ask(local: Any, session_id: str, token: str | None) -> int:
    url = f"{local.backend.endpoint_url}/_code-interpreter/credentials/{session_id}"
    request = urllib.request.Request(url, headers={"authorization": token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_only_the_session_itself_and_only_while_it_lives_gets_credentials(local: Any) -> None:
    identifier = local.create("roled", executionRoleArn=ROLE)
    session, other = local.session(identifier), local.session(identifier)
    read = 'echo "$AWS_CONTAINER_AUTHORIZATION_TOKEN"'
    tokens = [
        each.invoke("executeCommand", command=read)["structuredContent"]["stdout"].strip()
        for each in (session, other)
    ]
    assert tokens[0] != tokens[1]
    assert ask(local, session.id, tokens[0]) == 200
    assert ask(local, session.id, tokens[1]) == 403
    assert ask(local, session.id, None) == 403
    assert ask(local, "unknown", tokens[0]) == 403
    session.stop()
    assert ask(local, session.id, tokens[0]) == 403


def test_a_role_that_is_gone_gives_no_credentials(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = local.session(local.create("roled", executionRoleArn=ROLE))

    def refuse(role_arn: str, **how: str) -> None:
        raise access_denied(f"the role {role_arn} does not exist")

    monkeypatch.setattr(local.backend, "assume_execution_role", refuse)
    session.invoke("writeFiles", content=[{"path": "check.py", "text": CREDENTIALS}])
    found = session.invoke("executeCommand", command="python check.py")["structuredContent"]
    assert found["exitCode"] == 1
    assert "does not exist" in found["stderr"]


def test_packages_come_from_an_index_only_where_the_network_lets_them(local: Any) -> None:
    sandbox = local.session(local.create("closed"))
    command = "pip install no-such-package-for-certain"
    found = sandbox.invoke("executeCommand", command=command)["structuredContent"]
    assert found["exitCode"] == 1
    assert "No matching distribution found for no-such-package-for-certain" in found["stderr"]
    public = local.session(local.create("open", networkConfiguration={"networkMode": "PUBLIC"}))
    for session, expected in ((sandbox, "1"), (public, "")):
        found = session.invoke("executeCommand", command='echo "$PIP_NO_INDEX"')
        assert found["structuredContent"]["stdout"].strip() == expected


def test_an_installed_package_is_the_sessions_own(local: Any) -> None:
    session, other = local.session(), local.session()
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ours.py", "VALUE = 5")
        archive.writestr("ours-1.dist-info/METADATA", METADATA)
        archive.writestr("ours-1.dist-info/WHEEL", WHEEL)
        archive.writestr("ours-1.dist-info/RECORD", "")
    name = "ours-1-py3-none-any.whl"
    session.invoke("writeFiles", content=[{"path": name, "blob": wheel.getvalue()}])
    command = f"pip install --no-deps ./{name}"
    found = session.invoke("executeCommand", command=command)["structuredContent"]
    assert found["exitCode"] == 0, found["stderr"]
    check = "try:\n    import ours; print(ours.VALUE)\nexcept ImportError: print('none')"
    assert session.run(check)["structuredContent"]["stdout"] == "5"
    assert other.run(check)["structuredContent"]["stdout"] == "none"
