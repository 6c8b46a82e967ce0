"""`AWS::Lambda::Function`: the settings that MiniStack's handlers drop, and Lambda's own checks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
and https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed
from agentcore_local.resource_types.roles import role_allows, service_may_assume

TYPE = "AWS::Lambda::Function"
_ACCOUNT_CONCURRENCY = 1000
_ALWAYS_UNRESERVED = 100
_SEND_ACTIONS = {
    "sqs": ("sqs:SendMessage", "SendMessage on SQS"),
    "sns": ("sns:Publish", "Publish on SNS"),
}
_INTERFACE_ACTION = "ec2:CreateNetworkInterface"


def install() -> None:
    """Wrap MiniStack's handlers of the type."""
    handlers = ministack.provisioners._RESOURCE_HANDLERS[TYPE]
    create, update = handlers["create"], handlers["update"]

    def create_function(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        _check(properties, properties.get("FunctionName"))
        created = create(logical_id, properties, stack_name)
        _keep_settings(created[0], properties)
        return created

    def update_function(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        _check(new, physical_id)
        updated = update(physical_id, old, new, stack_name, logical_id)
        _keep_settings(updated[0], new)
        return updated

    handlers.update(create=create_function, update=update_function, update_with_logical_id=True)


def _keep_settings(function_name: str, properties: Mapping[str, Any]) -> None:
    function = ministack.functions._functions[function_name]
    configuration = function["config"]
    configuration["VpcConfig"] = ministack.functions._vpc_config_with_id(
        properties.get("VpcConfig")
    )
    for name, setting in (("DeadLetterConfig", "DeadLetterConfig"), ("KmsKeyArn", "KMSKeyArn")):
        configuration.pop(setting, None)
        if properties.get(name):
            configuration[setting] = properties[name]
    reserved = properties.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)


def _check(properties: Mapping[str, Any], name: str | None) -> None:
    role = properties["Role"]
    account = ministack.responses.get_account_id()
    if not service_may_assume(role, "lambda.amazonaws.com", {"aws:SourceAccount": account}):
        raise _refused("The role defined for the function cannot be assumed by Lambda.")
    target = (properties.get("DeadLetterConfig") or {}).get("TargetArn")
    if target:
        action, phrase = _SEND_ACTIONS[target.split(":")[2]]
        if not role_allows(role, action, target):
            raise _refused(
                f"The provided execution role does not have permissions to call {phrase}"
            )
    if not all(
        role_allows(role, _INTERFACE_ACTION, arn)
        for arn in _interface_resources(properties.get("VpcConfig") or {}, account)
    ):
        raise _refused(
            "The provided execution role does not have permissions to call "
            "CreateNetworkInterface on EC2"
        )
    _check_concurrency(properties.get("ReservedConcurrentExecutions"), name)


def _interface_resources(network: Mapping[str, Any], account: str) -> list[str]:
    """Everything that a role must be allowed to make a network interface of.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    if not network.get("SubnetIds"):
        return []
    root = f"arn:aws:ec2:{ministack.responses.get_region()}:{account}"
    return [
        f"{root}:network-interface/eni-00000000000000000",
        *(f"{root}:subnet/{subnet}" for subnet in network["SubnetIds"]),
        *(f"{root}:security-group/{group}" for group in network.get("SecurityGroupIds") or []),
    ]


def _check_concurrency(reserved: Any, name: str | None) -> None:
    if reserved is None:
        return
    others = sum(
        int(function["concurrency"])
        for other, function in ministack.functions._functions.items()
        if other != name and isinstance(function.get("concurrency"), int)
    )
    if others + int(reserved) > _ACCOUNT_CONCURRENCY - _ALWAYS_UNRESERVED:
        raise _refused(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{_ALWAYS_UNRESERVED}]."
        )


def _refused(reason: str) -> ResourceFailed:
    return ResourceFailed(
        f'Resource handler returned message: "{reason} (Service: Lambda, Status Code: 400)" '
        "(HandlerErrorCode: InvalidRequest)"
    )
