"""N interpreters of ours: `governed`, `strict`, or `bare` ones with nothing but their drain."""

import sys

from aws_cdk import App, Stack

from cdk_code_interpreter import CodeInterpreter, GovernedCodeInterpreter

app = App(outdir=sys.argv[2])
stack = Stack(app, "Bench")
kind = sys.argv[3] if len(sys.argv) > 3 else "governed"
options = {}
if kind == "strict":
    from aws_cdk import aws_kms as kms

    from cdk_code_interpreter import ComplianceProfile, PrivateNetwork

    key = kms.Key(stack, "Key", enable_key_rotation=True)
    network = PrivateNetwork(stack, "Network", allowed_buckets=[], encryption_key=key)
    options = {"profile": ComplianceProfile.strict(vpc=network, key=key)}
make = CodeInterpreter if kind == "bare" else GovernedCodeInterpreter
for number in range(int(sys.argv[1])):
    make(stack, f"Sandbox{number}", **options)
app.synth()
