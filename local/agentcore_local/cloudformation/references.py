"""`Fn::GetStackOutput`: the weak reference to another stack's output.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
says what this adds to MiniStack's own: another region, and no answer from a stack that is gone.
"""

from __future__ import annotations

from typing import Any

from agentcore_local import _ministack_cloudformation as ministack

_FUNCTION = "Fn::GetStackOutput"


def install() -> None:
    """Let templates use the function as documented, the short form in YAML included."""
    original = ministack.engine._resolve_refs

    def resolve(value: Any, *context: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1 and _FUNCTION in value:
            arguments = {
                name: resolve(argument, *context) for name, argument in value[_FUNCTION].items()
            }
            return _stack_output(arguments)
        return original(value, *context)

    for module in (ministack.engine, ministack.stacks, ministack.handlers, ministack.changesets):
        module._resolve_refs = resolve
    ministack.engine.CfnLoader.add_constructor(
        "!GetStackOutput", ministack.engine._construct_cfn_tag(_FUNCTION)
    )


def _stack_output(arguments: dict[str, Any]) -> str:
    name, output_name = str(arguments.get("StackName")), arguments.get("OutputName")
    region = arguments.get("Region") or ministack.responses.get_region()
    account = ministack.responses.get_account_id()
    stack = ministack.package._stacks.get_scoped(account, region, name)
    if stack is None or stack.get("StackStatus") == "DELETE_COMPLETE":
        raise ValueError(f"{_FUNCTION}: stack {name!r} does not exist in {region}")
    for output in stack.get("Outputs") or []:
        if output["OutputKey"] == output_name:
            return str(output["OutputValue"])
    raise ValueError(f"{_FUNCTION}: stack {name!r} has no output {output_name!r}")
