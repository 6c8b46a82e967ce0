"""N interpreters of ours: `governed`, `strict`, or `bare` ones with nothing but their drain."""

import sys

from aws_cdk import App, Stack

from cdk_code_interpreter import CodeInterpreter, GovernedCodeInterpreter

app = App(outdir=sys.argv[2])
count = int(sys.argv[1])
# More than twenty would not fit into one stack.
stacks = [Stack(app, f"Bench{number or ''}") for number in range(-(-count // 20))]
kind = sys.argv[3] if len(sys.argv) > 3 else "governed"
options = {}
if kind == "strict":
    from aws_cdk import aws_kms as kms

    from cdk_code_interpreter import ComplianceProfile, PrivateNetwork

    key = kms.Key(stacks[0], "Key", enable_key_rotation=True)
    network = PrivateNetwork(stacks[0], "Network", allowed_buckets=[], encryption_key=key)
    options = {"profile": ComplianceProfile.strict(vpc=network, key=key)}
make = CodeInterpreter if kind == "bare" else GovernedCodeInterpreter
for number in range(count):
    make(stacks[number // 20], f"Sandbox{number}", **options)
app.synth()
