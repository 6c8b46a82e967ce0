"""N interpreters as plain L2s."""

import sys

from aws_cdk import App, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

app = App(outdir=sys.argv[2])
stack = Stack(app, "Bench")
for number in range(int(sys.argv[1])):
    agentcore.CodeInterpreterCustom(
        stack,
        f"Sandbox{number}",
        network_configuration=agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network(),
    )
app.synth()
