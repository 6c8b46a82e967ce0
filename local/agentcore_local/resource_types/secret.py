"""`AWS::SecretsManager::Secret`: `Ref` returns the secret's ARN, as documented.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
MiniStack's returns the name; an interpreter takes the ARN of a certificate's secret only.
"""

from __future__ import annotations

from typing import Any

from agentcore_local import _ministack_cloudformation as ministack

TYPE = "AWS::SecretsManager::Secret"


def install() -> None:
    """Wrap MiniStack's handlers of the type, which know a secret by its name."""
    handlers = ministack.provisioners._RESOURCE_HANDLERS[TYPE]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_secret(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        return _by_arn(create(logical_id, properties, stack_name))

    def update_secret(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        return _by_arn(update(_name_of(physical_id), old, new, stack_name, logical_id))

    def delete_secret(physical_id: str, properties: dict[str, Any]) -> Any:
        return delete(_name_of(physical_id), properties)

    handlers.update(
        create=create_secret,
        update=update_secret,
        update_with_logical_id=True,
        delete=delete_secret,
    )


def _by_arn(made: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    _name, attributes = made
    return str(attributes["Arn"]), attributes


def _name_of(arn: str) -> str:
    secrets = ministack.service_module("secretsmanager")._secrets
    return next((name for name, secret in secrets.items() if secret["ARN"] == arn), arn)
