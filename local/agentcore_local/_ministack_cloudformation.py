"""The one module that knows the private names of MiniStack's CloudFormation.

Everything of MiniStack that `agentcore_local.cloudformation` and
`agentcore_local.resource_types` touch is named here and looked up when this module is imported, so
that another MiniStack than the pinned one fails at the start with a message, not in the middle of
a deployment.

MiniStack reads its environment when it is imported: this module may be imported only after that
environment is prepared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from agentcore_local._ministack import PINNED

_PACKAGE = "ministack.services.cloudformation"
_CLOCK_PUT_BACK_MILLISECONDS = 1000

_NAMES: dict[str, tuple[str, ...]] = {
    _PACKAGE: ("_stacks", "_stack_events", "_exports", "_change_sets"),
    f"{_PACKAGE}.stacks": (
        "CLIENT_REQUEST_TOKEN",
        "_add_event",
        "_adopt_resource",
        "_continue_update_rollback_async",
        "_create_then_delete_on_failure",
        "_delete_stack_async",
        "_deploy_stack_async",
        "_fail_property_validation",
        "_provision_keeping_seed",
        "_resolve_refs",
        "_resolve_stack_outputs",
        "_resource_policy",
        "_roll_back_operation",
        "_runs_on_worker_thread",
        "_update_keeping_seed",
        "_with_dependencies",
        "now_iso",
    ),
    f"{_PACKAGE}.engine": (
        "CfnLoader",
        "_NO_VALUE",
        "_construct_cfn_tag",
        "_evaluate_conditions",
        "_parse_template",
        "_resolve_dynamic_references",
        "_resolve_parameters",
        "_resolve_refs",
        "_topological_sort",
        "validate_template_support",
    ),
    f"{_PACKAGE}.handlers": (
        "_ACTION_HANDLERS",
        "_continue_update_rollback_async",
        "_delete_stack_async",
        "_deploy_stack_async",
        "_error",
        "_imported_export_names",
        "_p",
        "_resolve_refs",
        "_resolve_stack",
        "_roll_back_operation",
        "_xml",
        "now_iso",
    ),
    f"{_PACKAGE}.changesets": (
        "_create_then_delete_on_failure",
        "_deploy_stack_async",
        "_find_change_set",
        "_resolve_refs",
        "now_iso",
    ),
    f"{_PACKAGE}.helpers": ("_resolve_template",),
    f"{_PACKAGE}.provisioners": (
        "_DEFERRED_PREDECESSOR_DELETES",
        "_NAME_SEED",
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_RETAINING_POLICIES",
        "_RETAIN_REPLACED",
        "_STACK_TAG_PROPERTY",
        "_check_nested_stack_capabilities",
        "_custom_named_replacement_error",
        "_delete_resource",
        "_inherited_capabilities",
        "_nested_stack_lookup_name",
        "_physical_name",
        "_replacing_change",
        "_snapshot_resource",
        "_tag_map",
        "_with_stack_tags",
        "now_iso",
    ),
    f"{_PACKAGE}.custom_resource": ("_normalise_resource_properties", "_response_url"),
    "ministack.core.concurrency": ("run_reentrant",),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "_gather_role_policies",
        "_permissions_boundary",
        "evaluate",
        "evaluate_resource_policy",
    ),
    "ministack.core.responses": ("get_account_id", "get_region", "new_uuid", "now_iso"),
    "ministack.services.cloudwatch_logs": (
        "_delivery_destinations",
        "_delivery_sources",
        "_log_groups",
        "_make_delivery_destination_arn",
        "_put_delivery_source",
        "error_response_json",
    ),
    "ministack.services.lambda_svc": (
        "_emit_lambda_logs",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_get_func_record_for_ref",
        "_functions",
        "_route_async_failure",
        "_vpc_config_with_id",
        "function_policy_for_arn",
    ),
    "ministack.services.eventbridge": (
        "_dispatch_to_lambda",
        "_invoke_target",
        "_rule_key",
        "_rules",
    ),
    "ministack.services.iam": ("_policies", "_roles", "_users"),
    "ministack.services.scheduler": (
        "_SCHEDULE_TICK_INTERVAL",
        "_create_schedule",
        "_error",
        "_group_arn",
        "_schedule_arn",
        "_schedules",
        "_update_schedule",
    ),
    "ministack.app": ("_handle_post_body_shortcuts",),
}


def _checked(module_name: str, names: tuple[str, ...]) -> Any:
    module = import_module(module_name)
    missing = sorted(name for name in names if not hasattr(module, name))
    if missing:
        raise RuntimeError(
            f"the local AWS hooks private names of ministack {PINNED}, and {module_name} has no "
            f"{', '.join(missing)}; run: pip install ministack=={PINNED}"
        )
    return module


# Typed as Any on purpose: MiniStack ships no types, and its private names promise none.
package: Any = _checked(_PACKAGE, _NAMES[_PACKAGE])
stacks: Any = _checked(f"{_PACKAGE}.stacks", _NAMES[f"{_PACKAGE}.stacks"])
engine: Any = _checked(f"{_PACKAGE}.engine", _NAMES[f"{_PACKAGE}.engine"])
handlers: Any = _checked(f"{_PACKAGE}.handlers", _NAMES[f"{_PACKAGE}.handlers"])
changesets: Any = _checked(f"{_PACKAGE}.changesets", _NAMES[f"{_PACKAGE}.changesets"])
helpers: Any = _checked(f"{_PACKAGE}.helpers", _NAMES[f"{_PACKAGE}.helpers"])
provisioners: Any = _checked(f"{_PACKAGE}.provisioners", _NAMES[f"{_PACKAGE}.provisioners"])
custom_resource: Any = _checked(
    f"{_PACKAGE}.custom_resource", _NAMES[f"{_PACKAGE}.custom_resource"]
)
concurrency: Any = _checked("ministack.core.concurrency", _NAMES["ministack.core.concurrency"])
responses: Any = _checked("ministack.core.responses", _NAMES["ministack.core.responses"])
functions: Any = _checked("ministack.services.lambda_svc", _NAMES["ministack.services.lambda_svc"])
logs: Any = _checked(
    "ministack.services.cloudwatch_logs", _NAMES["ministack.services.cloudwatch_logs"]
)
iam_evaluator: Any = _checked(
    "ministack.core.iam_evaluator", _NAMES["ministack.core.iam_evaluator"]
)
eventbridge: Any = _checked(
    "ministack.services.eventbridge", _NAMES["ministack.services.eventbridge"]
)
iam: Any = _checked("ministack.services.iam", _NAMES["ministack.services.iam"])
scheduler: Any = _checked("ministack.services.scheduler", _NAMES["ministack.services.scheduler"])
app: Any = _checked("ministack.app", _NAMES["ministack.app"])

# What MiniStack says of a change set whose resources do not change; it gives the sentence no name.
NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


def service_module(name: str) -> Any:
    """The module of one of MiniStack's services, such as `ec2`."""
    return _checked(f"ministack.services.{name}", ("handle_request",))


def follow(now: Callable[[], float]) -> None:
    """Let the times of stacks, resources and events go by a clock that tests can move.

    A function may ask whether a resource is older than an operation: both must tell the same time.
    """

    def now_iso() -> str:
        return _written(int(now() * 1000))

    for module in (responses, handlers, changesets, provisioners):
        module.now_iso = now_iso
    stacks.now_iso = _one_after_the_other(now)


def _one_after_the_other(now: Callable[[], float]) -> Callable[[], str]:
    """The times of events: no two are the same, for the CDK CLI shows such in reverse order."""
    latest, one_at_a_time = 0, threading.Lock()

    def next_iso() -> str:
        nonlocal latest
        with one_at_a_time:
            moment = int(now() * 1000)
            # Much earlier than the latest: a reset has put the clock back.
            if latest - _CLOCK_PUT_BACK_MILLISECONDS < moment <= latest:
                moment = latest + 1
            latest = moment
        return _written(moment)

    return next_iso


def _written(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
