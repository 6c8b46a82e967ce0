"""executeCode: languages, state, results, ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from agentcore_local.service.limits import Limits

LANGUAGES: list[dict[str, str]] = [
    {"language": "python"},
    {"language": "python", "runtime": "python"},
    {"language": "javascript"},
    {"language": "javascript", "runtime": "deno"},
    {"language": "javascript", "runtime": "nodejs"},
    {"language": "typescript"},
    {"language": "typescript", "runtime": "deno"},
    {"language": "typescript", "runtime": "nodejs"},
]


def written(language: dict[str, str]) -> str:
    return " on ".join(language.values())


def stdout(result: dict[str, Any]) -> str:
    text: str = result["structuredContent"]["stdout"]
    return text


@pytest.mark.parametrize("language", LANGUAGES, ids=written)
def test_each_language_prints_keeps_its_state_and_fails_with_a_traceback(
    local: Any, language: dict[str, str]
) -> None:
    python = language["language"] == "python"
    typed = language["language"] == "typescript"
    session = local.session()
    say = "print" if python else "console.log"
    first = session.run(f"{say}(6 * 7)", **language)
    assert first["content"] == [{"type": "text", "text": "42"}]
    assert first["isError"] is False
    structured = first["structuredContent"]
    assert (structured["stdout"], structured["stderr"]) == ("42", "")
    assert structured["exitCode"] == 0
    assert structured["executionTime"] > 0
    if python:
        assign = "kept = [1, 2]"
    elif language.get("runtime") == "nodejs" and typed:  # a module's own names are its own
        assign = "const own: number[] = [1, 2]; (globalThis as any).kept = own"
    else:
        assign = f"const kept{': number[]' if typed else ''} = [1, 2]"
    assert session.run(assign, **language)["isError"] is False
    use = "print(len(kept))" if python else "console.log((kept).length)"
    assert stdout(session.run(use, **language)) == "2"
    fail = "raise ValueError('wrong')" if python else "throw new Error('wrong')"
    failed = session.run(f"{say}('before')\n{fail}", **language)
    assert failed["isError"] is True
    assert failed["structuredContent"]["exitCode"] == 1
    assert stdout(failed) == "before"
    assert "wrong" in failed["structuredContent"]["stderr"]
    assert "\x1b" not in failed["structuredContent"]["stderr"]
    assert "node_driver" not in failed["structuredContent"]["stderr"]
    assert [block["type"] for block in failed["content"]] == ["text", "text"]
    assert stdout(session.run(use, **language)) == "2"


@pytest.mark.parametrize("language", ["javascript", "typescript"])
@pytest.mark.parametrize(
    ("code", "told"),
    [("let x = ;", "Execution failed"), ("throw 'thrown'", "Error: thrown")],
    ids=["syntax error", "thrown text"],
)
def test_deno_tells_of_every_error(local: Any, language: str, code: str, told: str) -> None:
    failed = local.session().run(code, language=language)
    assert failed["isError"] is True
    assert failed["structuredContent"]["exitCode"] == 1
    assert told in failed["structuredContent"]["stderr"]
    assert told in failed["content"][0]["text"]


def test_python_is_the_language_unless_said_otherwise(local: Any) -> None:
    assert stdout(local.session().run("print(True)")) == "True"


def test_a_language_runs_on_its_own_runtimes_only(local: Any) -> None:
    session = local.session()
    for language, runtime in (("python", "deno"), ("javascript", "python")):
        code, _, response = local.error(session.run, code="1", language=language, runtime=runtime)
        assert code == "ValidationException"
        assert response["fieldList"][0]["name"] == "arguments.runtime"


def test_the_value_of_the_last_expression_is_a_result(local: Any) -> None:
    result = local.session().run("print('said')\n6 * 7")
    assert [block["text"] for block in result["content"]] == ["said", "42"]


def test_a_figure_comes_back_as_an_image(local: Any) -> None:
    result = local.session().run(
        "import matplotlib.pyplot as plt\n"
        "print('a plot')\nplt.plot([1, 4, 9])\nplt.show()\nprint('done')"
    )
    text, image, last = result["content"]
    assert (text["text"], last["text"]) == ("a plot", "done")
    assert (image["type"], image["mimeType"]) == ("image", "image/png")
    assert image["data"].startswith(b"\x89PNG\r\n")


def test_output_of_child_processes_is_output(local: Any) -> None:
    session = local.session()
    code = "import subprocess; subprocess.run('echo from below', shell=True); print('above')"
    assert set(stdout(session.run(code)).split("\n")) == {"from below", "above"}
    code = "require('child_process').execSync('echo from below', { stdio: 'inherit' })"
    result = session.run(code, language="javascript", runtime="nodejs")
    assert stdout(result).strip() == "from below"


def test_clear_context_forgets_everything_of_python_and_nothing_of_other_languages(
    local: Any,
) -> None:
    session = local.session()
    session.run("import math; x = 1")
    session.run("const y = 1", language="javascript")
    cleared = session.run("print('x' in globals(), 'math' in globals())", clearContext=True)
    assert stdout(cleared) == "False False"
    result = session.run("console.log(y)", language="javascript", clearContext=True)
    assert stdout(result) == "1"


def test_python_and_commands_work_in_the_same_folder(local: Any) -> None:
    session = local.session()
    session.run("open('made.txt', 'w').write('by python')")
    assert stdout(session.invoke("executeCommand", command="cat made.txt")) == "by python"
    session.invoke("writeFiles", content=[{"path": "mine.py", "text": "VALUE = 7"}])
    assert stdout(session.run("import mine; print(mine.VALUE)")) == "7"
    listed = session.invoke("listFiles")["content"]
    assert {"made.txt", "mine.py"} <= {block["name"] for block in listed}


def test_javascript_on_node_is_commonjs_and_typescript_is_a_module(local: Any) -> None:
    session = local.session()
    common = session.run(
        "const { basename } = require('path'); module.exports.a = 1;\n"
        "console.log(basename('/x/y'), typeof module)",
        language="javascript",
        runtime="nodejs",
    )
    assert stdout(common) == "y object"
    session.invoke("writeFiles", content=[{"path": "lib.mjs", "text": "export const z = 3"}])
    module = session.run(
        "import { basename } from 'node:path';\nimport { z } from './lib.mjs';\n"
        "const n: number = await Promise.resolve(z);\n"
        "const later = await import('./lib.mjs');\n"
        "console.log(basename('/x/y'), n, later.z, typeof require)",
        language="typescript",
        runtime="nodejs",
    )
    assert module["structuredContent"]["stderr"] == ""
    assert stdout(module).startswith("y 3 3")


def test_node_writes_bytes_as_the_text_that_they_are(local: Any) -> None:
    code = (
        "const euro = Buffer.from('€');\n"
        "process.stdout.write(euro.subarray(0, 1)); process.stdout.write(euro.subarray(1));\n"
        "process.stdout.write(new Uint8Array([104, 105])); process.stdout.write('aGk=', 'base64')"
    )
    session = local.session()
    node = {"language": "javascript", "runtime": "nodejs"}
    assert stdout(session.run(code, **node)) == "€hihi"
    result = session.run("process.stderr.write(Buffer.from('€').subarray(0, 1))", **node)
    assert result["structuredContent"]["stderr"] == "\ufffd"


def test_node_answers_whatever_code_does_to_json(local: Any) -> None:
    session = local.session()
    for code in ("JSON.stringify = JSON.parse = () => 'junk'; console.log(1)", "console.log(1)"):
        assert stdout(session.run(code, language="javascript", runtime="nodejs")) == "1"


def test_node_waits_for_what_a_script_has_begun(local: Any) -> None:
    code = "setTimeout(() => { console.log('later'); process.exitCode = 3 }, 20)"
    result = local.session().run(code, language="javascript", runtime="nodejs")
    assert stdout(result) == "later"
    assert result["structuredContent"]["exitCode"] == 3
    assert result["isError"] is True


@pytest.mark.parametrize(
    ("language", "leave", "say"),
    [
        ({"language": "python"}, "import os; os._exit(3)", "print('again')"),
        ({"language": "javascript"}, "Deno.exit(3)", "console.log('again')"),
        (
            {"language": "javascript", "runtime": "nodejs"},
            "process.exit(3)",
            "console.log('again')",
        ),
    ],
    ids=["python", "deno", "nodejs"],
)
def test_code_that_ends_its_interpreter_gets_a_new_one(
    local: Any, language: dict[str, str], leave: str, say: str
) -> None:
    session = local.session()
    assert stdout(session.run(say, **language)) == "again"
    result = session.run(leave, **language)
    assert result["isError"] is True
    assert stdout(session.run(say, **language)) == "again"


def test_exit_ends_the_kernel_of_its_own_call(local: Any) -> None:
    session = local.session()
    for leave in ("exit()", "quit()"):
        left = session.run(f"x = 1\nprint('said')\n{leave}")
        assert left["isError"] is True
        assert stdout(left) == "said"
        assert "its state is lost" in left["structuredContent"]["stderr"]
        # Longer than the kernel would take to end by itself.
        whole = session.run("import time; time.sleep(0.3); print('x' in globals())")
        assert stdout(whole) == "False"
    kept = session.run("y = 1\nexit(keep_kernel=True)")
    assert kept["isError"] is False
    assert stdout(session.run("print(y)")) == "1"


def test_warnings_are_shown_as_in_any_kernel(local: Any) -> None:
    session = local.session()
    result = session.run(
        "import warnings\nwarnings.warn('careful')\nwarnings.warn('old', DeprecationWarning)"
    )
    assert result["isError"] is False
    assert "UserWarning: careful" in result["structuredContent"]["stderr"]
    assert "DeprecationWarning: old" in result["structuredContent"]["stderr"]
    library = "import warnings\nwarnings.warn('theirs', DeprecationWarning)"
    session.invoke("writeFiles", content=[{"path": "library.py", "text": library}])
    result = session.run("import library, sys; print(sys.warnoptions)")
    assert (stdout(result), result["structuredContent"]["stderr"]) == ("[]", "")


@pytest.mark.parametrize(
    ("language", "loop"),
    [
        ({"language": "python"}, "while True: pass"),
        ({"language": "javascript"}, "while (true) {}"),
        ({"language": "javascript", "runtime": "nodejs"}, "while (true) {}"),
    ],
    ids=["python", "deno", "nodejs"],
)
def test_code_that_takes_too_long_is_stopped(
    start_local: Any, language: dict[str, str], loop: str
) -> None:
    local = start_local(limits=Limits(requests_per_second={}, invoke_seconds=1.5))
    session = local.session()
    result = session.run(loop, **language)
    assert result["isError"] is True
    assert "longer than 1.5 seconds" in result["structuredContent"]["stderr"]
    say = "print(1)" if language["language"] == "python" else "console.log(1)"
    assert stdout(session.run(say, **language)) == "1"


def test_an_interrupted_python_keeps_its_state(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, invoke_seconds=1))
    session = local.session()
    session.run("x = 'kept'")
    assert "KeyboardInterrupt" in str(session.run("while True: pass")["content"])
    assert stdout(session.run("print(x)")) == "kept"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("executeCode", {"code": "open('begun', 'w').close()\nwhile True: pass"}),
        ("executeCommand", {"command": "touch begun; sleep 1000"}),
        (
            "executeCode",
            {
                "code": "require('fs').writeFileSync('begun', ''); while (true) {}",
                "language": "javascript",
                "runtime": "nodejs",
            },
        ),
    ],
    ids=["python", "command", "nodejs"],
)
def test_what_runs_away_ends_with_its_session(
    local: Any, tool: str, arguments: dict[str, Any]
) -> None:
    session = local.session()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            session.invoke(tool, **arguments)
        except EventStreamError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not any(b["name"] == "begun" for b in session.invoke("listFiles")["content"]):
        pass
    session.stop()
    thread.join(20)
    # The status was sent long ago: the error comes in the stream.
    (failure,) = failures
    assert isinstance(failure, EventStreamError)
    assert "resourceNotFoundException" in str(failure)
    assert local.processes_of(session.id) == []


def test_two_sessions_share_nothing(local: Any) -> None:
    one, two = local.session(), local.session()
    one.run("x = 1; open('private', 'w').close()")
    assert stdout(two.run("print('x' in globals())")) == "False"
    assert two.invoke("listFiles")["content"] == []


def test_calls_of_one_session_take_turns(local: Any) -> None:
    session = local.session()
    session.run("turns = []")
    code = "turns.append('in'); import time; time.sleep(0.05); turns.append('out')"
    threads = [threading.Thread(target=session.run, args=(code,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stdout(session.run("print(turns == ['in', 'out'] * 4)")) == "True"


def test_fifty_sessions_work_at_once(local: Any) -> None:
    sessions = [local.session() for _ in range(50)]
    answers: dict[int, str] = {}

    def run(number: int) -> None:
        answers[number] = stdout(sessions[number].run(f"print({number})"))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: str(number) for number in range(50)}


def test_code_cannot_wait_for_input(local: Any) -> None:
    result = local.session().run("input('?')")
    assert result["isError"] is True


def test_a_large_output_arrives_whole(local: Any) -> None:
    result = local.session().run("print('x' * 3_000_000)")
    assert len(stdout(result)) == 3_000_000


@pytest.mark.parametrize(
    ("language", "keep", "flood", "kept"),
    [
        ("python", "x = 'kept'", "while True: print('y' * 500)", "print(x)"),
        ("javascript", "1", "while (true) console.log('y'.repeat(500))", "console.log('kept')"),
    ],
)
def test_code_that_prints_without_end_is_stopped(
    start_local: Any, language: str, keep: str, flood: str, kept: str
) -> None:
    local = start_local(limits=Limits(requests_per_second={}, payload_bytes=100_000))
    session = local.session()
    session.run(keep, language=language)
    result = session.run(flood, language=language)
    assert result["isError"] is True
    assert result["structuredContent"]["exitCode"] == 1
    assert len(stdout(result)) <= 100_000
    assert stdout(result).startswith("y" * 500)
    told = "Execution was stopped: it put out more than 100000 bytes"
    assert told in result["structuredContent"]["stderr"]
    assert told in result["content"][-1]["text"]
    assert stdout(session.run(kept, language=language)) == "kept"


def test_code_that_is_not_to_be_stopped_loses_its_state(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, payload_bytes=100_000))
    session = local.session()
    flood = "while True:\n  try:\n    while True: print('y' * 500)\n  except BaseException: pass"
    result = session.run(f"x = 1\n{flood}")
    assert "its state is lost" in result["structuredContent"]["stderr"]
    assert stdout(session.run("print('x' in globals())")) == "False"


def test_what_is_kept_of_too_large_an_output_can_be_read(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, payload_bytes=3_000_000))
    # JSON writes this character in six bytes, and the output stands in a result twice.
    result = local.session().run("print('\\x01' * 4_000_000)")
    assert stdout(result) == "\x01" * (1 << 20)
    assert "more than 3000000 bytes" in result["structuredContent"]["stderr"]
