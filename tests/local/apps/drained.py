"""One drained interpreter a stack for each fault, two governed ones, and perhaps an imported one.

Context: `imported_arn`, an interpreter that exists already.
"""

from aws_cdk import App, Stack

from cdk_code_interpreter import (
    CodeInterpreter,
    Enforcement,
    SessionDrain,
    SessionJanitor,
    SessionPolicy,
)

FAULTS = [
    "Throttle",
    "ServerError",
    "Latency",
    "StopFails",
    "ListRepeatsPage",
    "ExpireDuringDrain",
    "RestartingAgent",
]

app = App()
for name in FAULTS:
    CodeInterpreter(Stack(app, name), f"{name}Sandbox")

governed = Stack(app, "Governed")
for name, enforcement in (("Enforced", Enforcement.ENFORCE), ("Shadowed", Enforcement.SHADOW)):
    SessionJanitor(
        governed,
        f"{name}Janitor",
        interpreter=CodeInterpreter(governed, name),
        policy=SessionPolicy(max_active=2, keep_name_prefixes=["keep-"], enforcement=enforcement),
    )

imported = app.node.try_get_context("imported_arn")
if imported:
    importing = Stack(app, "Importing")
    SessionDrain(
        importing,
        "Drain",
        interpreter=CodeInterpreter.from_code_interpreter_arn(importing, "Imported", imported),
    )
app.synth()
