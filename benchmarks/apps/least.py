"""The resources of N further governed interpreters, each in one call and without a reference.

Nothing that makes CloudFormation resources one by one in Python takes less: there is no L2, no
type, no token and no construct but the resources themselves.
"""

import json
import sys
from pathlib import Path

from aws_cdk import App, CfnResource, Stack

app = App(outdir=sys.argv[2])
count = int(sys.argv[1])
resources = json.loads(Path(sys.argv[3]).read_text())
# As many in a stack as in the app that makes them.
stacks = [Stack(app, f"Bench{number or ''}") for number in range(-(-count // 20))]
for number in range(count):
    for name, body in resources.items():
        CfnResource(
            stacks[number // 20],
            f"{name}{number}",
            type=body["Type"],
            properties=body["Properties"],
        )
app.synth()
