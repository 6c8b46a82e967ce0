"""`make demo`: app.py deployed by the real CDK CLI into a local AWS, used, and destroyed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agentcore_local import LocalAws
from agentcore_local.picture import draw_dashboard

REPOSITORY = Path(__file__).resolve().parents[1]
OUTPUT = REPOSITORY / "demo-output"
STACK = "CodeInterpreterExample"

PLOT = """
import matplotlib.pyplot as plt
import numpy as np
angle = np.linspace(0, 4 * np.pi, 400)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(angle, np.sin(angle), label="sine")
axes.plot(angle, np.cos(angle), label="cosine")
axes.set(xlabel="angle (rad)", ylabel="value", title="Drawn in a session of the local interpreter")
axes.legend()
plt.show()
"""


class StepFailed(Exception):
    """A step of the demonstration did not do what it should."""


class Demo:
    """Runs the steps, tells of each as it happens, and keeps what the table at the end says."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.console = Console()
        self.rows: list[tuple[str, str, float]] = []
        self.data = aws.client("bedrock-agentcore")
        self.outputs: dict[str, str] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time one step; what it found is passed to the function that is yielded."""
        found: list[str] = []
        started = time.monotonic()
        self.console.print(f"[bold]{name}[/bold] ...")
        try:
            yield found.append
        except Exception as error:
            self.rows.append((name, f"[red]failed[/red]: {error}", time.monotonic() - started))
            raise StepFailed(name) from error
        self.rows.append((name, "\n".join(found), time.monotonic() - started))
        self.console.print(f"   {found[-1] if found else 'done'}", style="green", highlight=False)

    def run(self) -> None:
        """Every step, in order."""
        with self.step("bootstrap the account for the CDK"):
            self.aws.bootstrap()
        self.deploy()
        self.agent_runs_code()
        first, second = self.two_sessions()
        self.every_tool(first)
        self.role_decides(first)
        self.plot(second)
        self.list_sessions()
        self.destroy()
        self.dashboard()
        self.nothing_is_left()

    def deploy(self) -> None:
        """Deploy app.py, unchanged."""
        with self.step("cdk deploy") as found:
            self.aws.cdk("deploy", "--require-approval", "never", cwd=REPOSITORY)
            self.outputs = self.outputs_of(STACK)
            found(f"the interpreter is {self.outputs['InterpreterId']}")

    def agent_runs_code(self) -> None:
        """Invoke the stack's own function, which uses the interpreter with its grant."""
        with self.step("the agent function runs Python") as found:
            answer = self.aws.client("lambda").invoke(
                FunctionName=self.outputs["AgentFunctionName"],
                Payload=json.dumps({"code": "print(sum(range(101)))"}),
            )
            result = json.load(answer["Payload"])
            expect(result, {"output": "5050", "is_error": False})
            found(f"sum(range(101)) printed {result['output']}")

    def two_sessions(self) -> tuple[str, str]:
        """Start two sessions and show that neither sees what the other keeps."""
        with self.step("two sessions keep their own state") as found:
            first, second = self.start("first"), self.start("second")
            self.python(first, "secret = 42")
            expect(self.python(first, "print(secret)")["text"], "42")
            other = self.python(second, "print(secret)")
            expect(other["isError"], True)
            expect("NameError" in other["text"], True)
            found("the second session: NameError: name 'secret' is not defined")
        return first, second

    def every_tool(self, session: str) -> None:
        """Run JavaScript, TypeScript, a command and the file tools."""
        with self.step("JavaScript, TypeScript, shell and files") as found:
            for language, code, output in (
                ("javascript", "console.log([3, 1, 2].sort().join())", "1,2,3"),
                ("typescript", "const n: number = 6 * 7; console.log(n)", "42"),
            ):
                arguments = {"language": language, "code": code}
                expect(self.invoke(session, "executeCode", arguments)["text"].strip(), output)
            written = {"content": [{"path": "notes/hello.txt", "text": "hello"}]}
            self.invoke(session, "writeFiles", written)
            command = {"command": "wc -c < notes/hello.txt"}
            shell = self.invoke(session, "executeCommand", command)
            expect(shell["text"].strip(), "5")
            found("each language printed what it should; the shell read the written file")

    def role_decides(self, session: str) -> None:
        """Copy from the bucket that the role may read, and from one that it may not."""
        with self.step("aws s3 cp inside a session, under the execution role") as found:
            s3 = self.aws.client("s3")
            allowed = self.outputs["BucketName"]
            forbidden = "somebody-elses-bucket"
            s3.create_bucket(Bucket=forbidden)
            for bucket in (allowed, forbidden):
                s3.put_object(Bucket=bucket, Key="table.csv", Body=b"a,b\n1,2\n")
            copy = "aws s3 cp s3://{}/table.csv - "
            granted = self.invoke(session, "executeCommand", {"command": copy.format(allowed)})
            expect(granted["text"].splitlines()[0], "a,b")
            denied = self.invoke(session, "executeCommand", {"command": copy.format(forbidden)})
            expect(denied["exitCode"] != 0, True)
            for bucket in (allowed, forbidden):
                s3.delete_object(Bucket=bucket, Key="table.csv")
            s3.delete_bucket(Bucket=forbidden)
            found("allowed on the stack's bucket, denied on another")

    def plot(self, session: str) -> None:
        """Draw a figure in a session and keep the PNG that comes back."""
        with self.step("a matplotlib figure comes back as a PNG") as found:
            result = self.python(session, PLOT)
            if not result["images"]:
                raise ValueError(f"no image came back: {result['text']}")
            OUTPUT.mkdir(exist_ok=True)
            picture = OUTPUT / "plot.png"
            picture.write_bytes(result["images"][0])
            found(f"{picture.relative_to(REPOSITORY)}, {picture.stat().st_size} bytes")

    def list_sessions(self) -> None:
        """List the sessions, which are left open on purpose."""
        with self.step("list the sessions") as found:
            items = self.data.list_code_interpreter_sessions(
                codeInterpreterIdentifier=self.outputs["InterpreterId"], status="READY"
            )["items"]
            expect(sorted(item["name"] for item in items), ["first", "second"])
            found(f"{len(items)} are READY, and stay open")

    def destroy(self) -> None:
        """Destroy the stack while sessions are open."""
        with self.step("cdk destroy, with the sessions open") as found:
            self.aws.cdk("destroy", "--force", cwd=REPOSITORY)
            found("the drain stopped the sessions, then everything was deleted")

    def dashboard(self) -> None:
        """Deploy the governed example, let an hour of traffic pass, and draw its dashboard."""
        example = f"{sys.executable} {REPOSITORY / 'examples' / 'governed.py'}"
        with self.step("deploy examples/governed.py, use it, draw its dashboard") as found:
            self.aws.cdk("deploy", "--require-approval", "never", cwd=REPOSITORY, app=example)
            self.outputs = self.outputs_of("Governed")
            for number in range(12):
                session = self.start(f"agent-{number}")
                for _call in range(1 + number % 5):
                    self.python(session, "print(sum(range(1000)))")
                self.aws.admin("POST", "clock", {"advance_seconds": 300})
            [deployed] = self.aws.client("cloudwatch").list_dashboards()["DashboardEntries"]
            picture = OUTPUT / "dashboard.png"
            now = self.aws.admin("GET", "status")["now"]
            draw_dashboard(self.aws.client, deployed["DashboardName"], picture, now=now, hours=1)
            self.aws.cdk("destroy", "--force", cwd=REPOSITORY, app=example)
            found(f"{picture.relative_to(REPOSITORY)}, {picture.stat().st_size} bytes")

    def outputs_of(self, stack: str) -> dict[str, str]:
        """The outputs of a stack."""
        stacks = self.aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    def nothing_is_left(self) -> None:
        """Look for anything of the stack's in every service that it used."""
        with self.step("look for anything left") as found:
            left = leftovers(self.aws)
            expect({kind: names for kind, names in left.items() if names}, {})
            found("nothing: " + ", ".join(f"0 {kind}" for kind in left))

    def start(self, name: str) -> str:
        """Start a session of the deployed interpreter."""
        answer = self.data.start_code_interpreter_session(
            codeInterpreterIdentifier=self.outputs["InterpreterId"], name=name
        )
        return str(answer["sessionId"])

    def python(self, session: str, code: str) -> dict[str, Any]:
        """Run Python in a session."""
        return self.invoke(session, "executeCode", {"language": "python", "code": code})

    def invoke(self, session: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call one tool and join its events."""
        answer = self.data.invoke_code_interpreter(
            codeInterpreterIdentifier=self.outputs["InterpreterId"],
            sessionId=session,
            name=tool,
            arguments=arguments,
        )
        results = [event["result"] for event in answer["stream"]]
        content = [item for result in results for item in result["content"]]
        structured = [result.get("structuredContent") or {} for result in results]
        return {
            "text": "\n".join(item["text"] for item in content if item["type"] == "text"),
            "images": [item["data"] for item in content if item["type"] == "image"],
            "isError": any(result.get("isError") for result in results),
            "exitCode": structured[-1].get("exitCode", 0),
        }

    def table(self) -> Table:
        """What happened, and how long it took."""
        table = Table(title="What happened")
        table.add_column("step")
        table.add_column("result", overflow="fold")
        table.add_column("seconds", justify="right")
        for name, result, seconds in self.rows:
            table.add_row(name, result, f"{seconds:.1f}")
        return table


def leftovers(aws: LocalAws) -> dict[str, list[str]]:
    """Names of what a deployment could have left, by kind; the CDK's bootstrap is not ours."""
    control = aws.client("bedrock-agentcore-control")
    interpreters = control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    found = {
        "interpreters": [item["codeInterpreterId"] for item in interpreters],
        "stacks": [stack["StackName"] for stack in stacks],
        "roles": [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]],
        "policies": [
            policy["PolicyName"]
            for policy in aws.client("iam").list_policies(Scope="Local")["Policies"]
        ],
        "functions": [
            item["FunctionName"] for item in aws.client("lambda").list_functions()["Functions"]
        ],
        "log groups": [
            group["logGroupName"] for group in aws.client("logs").describe_log_groups()["logGroups"]
        ],
        "buckets": [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]],
    }
    return {
        kind: [name for name in names if not name.startswith(("cdk-", "CDKToolkit"))]
        for kind, names in found.items()
    }


def expect(value: object, wanted: object) -> None:
    """Stop with a clear message where something is not as it should be."""
    if value != wanted:
        raise ValueError(f"expected {wanted!r}, got {value!r}")


def main() -> int:
    """Run the demonstration; 0 if every step did what it should."""
    console = Console()
    console.print("Starting a local AWS: code of its sessions runs on this machine, as you.")
    started = time.monotonic()
    with LocalAws() as aws:
        demo = Demo(aws)
        demo.rows.append(("start the local AWS", aws.endpoint_url, time.monotonic() - started))
        try:
            demo.run()
        except StepFailed as failed:
            console.print(demo.table())
            console.print(f"[red]The step {failed} failed[/red]: {failed.__cause__}")
            return 1
        console.print(demo.table())
    console.print("Everything that was started is stopped.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running", file=sys.stderr)
        sys.exit(130)
