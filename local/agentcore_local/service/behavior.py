"""What AWS does not document: each open question is a switch, to try a design both ways.

Where the documentation is silent, code that is right either way is the only safe code. Run a test
under each value of a switch to prove that it is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class UsageResource(enum.Enum):
    """What the `Resource` dimension of the usage metrics holds.

    The documentation says "Built-in tool Id"; for runtimes the measured value is the ARN.
    """

    ID = "id"
    ARN = "arn"


@dataclass(frozen=True, kw_only=True)
class ServiceBehavior:
    """Answers to questions that neither the documentation nor the service model answers.

    Attributes:
        delete_with_ready_sessions_conflicts: Deleting an interpreter with READY sessions is a
            ConflictException. If False, the deletion ends them.
        stop_of_ended_session_fails: Stopping a TERMINATED session with a new token is a
            ConflictException. If False, it succeeds and changes nothing.
        same_name_conflicts: A second interpreter of the same name is a ConflictException, also
            while the first is DELETING. If False, names may repeat.
        usage_resource: The `Resource` dimension of CPUUsed-vCPUHours and MemoryUsed-GBHours.
        last_updated_moves: `lastUpdatedAt` moves when a resource changes its state. If False it
            stays at the time of creation.
        invoke_without_session_fails: An Invoke without a session id is a ValidationException. If
            False, a session with the default timeout is started for it.
        unconditioned_trust_fails: A role whose trust policy names the service but neither
            aws:SourceAccount nor aws:SourceArn fails the role validation. If False it passes.
        arn_as_identifier: The data plane takes an ARN where the documentation passes an id.
        deleted_stays_visible_seconds: For how long Get still answers DELETED after a deletion.
        merged_command_output: A command's two streams arrive as one with terminal line ends, in
            `stdout` if it succeeded and in `stderr` if not, as third parties have seen it. If
            False they are kept apart, as the API reference describes the members.
        region_in_sessions: Code in a session finds its region in AWS_REGION and
            AWS_DEFAULT_REGION. If False it has to name one, as a published measurement found.
        second_delivery_source_conflicts: A second delivery source of CloudWatch Logs for one log
            type of one resource is a ConflictException, as users report. If False there may be
            any number.
        create_seconds: How long an interpreter is CREATING.
        delete_seconds: How long an interpreter is DELETING.
        network_interfaces_outlive_seconds: For how long network interfaces of a VPC interpreter
            stay after it (the documentation says: up to 8 hours). Nothing here attaches any; the
            VPC's side of the local AWS reads this.
    """

    delete_with_ready_sessions_conflicts: bool = True
    stop_of_ended_session_fails: bool = True
    same_name_conflicts: bool = True
    usage_resource: UsageResource = UsageResource.ID
    last_updated_moves: bool = True
    invoke_without_session_fails: bool = True
    unconditioned_trust_fails: bool = True
    arn_as_identifier: bool = False
    deleted_stays_visible_seconds: float = 0.0
    merged_command_output: bool = False
    region_in_sessions: bool = False
    second_delivery_source_conflicts: bool = True
    create_seconds: float = 0.1
    delete_seconds: float = 0.1
    network_interfaces_outlive_seconds: float = 0.0
