"""N interpreters as plain L2s."""

import sys

from aws_cdk import App, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

app = App(outdir=sys.argv[2])
count = int(sys.argv[1])
# More than twenty governed ones would not fit into one stack.
stacks = [Stack(app, f"Bench{number or ''}") for number in range(-(-count // 20))]
for number in range(count):
    agentcore.CodeInterpreterCustom(
        stacks[number // 20],
        f"Sandbox{number}",
        network_configuration=agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network(),
    )
app.synth()
