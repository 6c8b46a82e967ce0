"""A template that no rule objects to, and for each rule the ways to break it.

Written by hand as CloudFormation reads it; nothing here comes from our constructs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]

SERVICE = "bedrock-agentcore.amazonaws.com"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/example"


def _get(logical_id: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, attribute]}


def _arn(rest: str) -> dict[str, str]:
    return {"Fn::Sub": "arn:${AWS::Partition}:bedrock-agentcore:${AWS::Region}:" + rest}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


MENDED: Template = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Interpreter": {
            "Type": "AWS::BedrockAgentCore::CodeInterpreterCustom",
            "Properties": {
                "Name": "analytics_0a1b2c3d4e_5f6a7b8c",
                "ExecutionRoleArn": _get("Role"),
                "NetworkConfiguration": {
                    "NetworkMode": "VPC",
                    "VpcConfig": {
                        "Subnets": [{"Ref": "Subnet"}, "subnet-0123456789abcdef0"],
                        "SecurityGroups": ["sg-0123456789abcdef0"],
                    },
                },
            },
        },
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": "vpc-0123456789abcdef0",
                "CidrBlock": "10.0.0.0/24",
                "MapPublicIpOnLaunch": False,
            },
        },
        "RouteTable": {
            "Type": "AWS::EC2::RouteTable",
            "Properties": {"VpcId": "vpc-0123456789abcdef0"},
        },
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {
                "SubnetId": {"Ref": "Subnet"},
                "RouteTableId": {"Ref": "RouteTable"},
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _policy(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": SERVICE},
                        "Action": "sts:AssumeRole",
                        "Condition": {
                            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                            "ArnLike": {
                                "aws:SourceArn": _arn(
                                    "${AWS::AccountId}:code-interpreter-custom/analytics_*"
                                )
                            },
                        },
                    }
                ),
                "Policies": [
                    {
                        "PolicyName": "read",
                        "PolicyDocument": _policy(_allow("s3:GetObject", "arn:aws:s3:::data/*")),
                    }
                ],
            },
        },
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "write",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": _policy(_allow(["s3:PutObject"], ["arn:aws:s3:::data/out/*"])),
            },
        },
        "Agent": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": _policy(
                    _allow(
                        ["bedrock-agentcore:InvokeCodeInterpreter"],
                        [
                            _get("Interpreter", "CodeInterpreterArn"),
                            _arn("${AWS::AccountId}:code-interpreter-custom/analytics-*"),
                            _arn("aws:code-interpreter/aws.codeinterpreter.v1"),
                        ],
                    ),
                    _allow("bedrock-agentcore:ListCodeInterpreters", "*"),
                    _allow(
                        "iam:PassRole",
                        "*",
                        Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
                    ),
                )
            },
        },
        "Drain": {
            "Type": "Custom::SessionDrain",
            "Properties": {
                "ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:drain",
                "Id": {"Ref": "Interpreter"},
            },
        },
        "Janitor": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(5 minutes)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": "arn:aws:lambda:eu-west-1:111122223333:function:janitor",
                    "RoleArn": "arn:aws:iam::111122223333:role/schedule",
                    "Input": {
                        "Fn::Sub": '{"interpreter": "${Interpreter}", "max_age_seconds": 3600}'
                    },
                },
            },
        },
        "Source": {
            "Type": "AWS::Logs::DeliverySource",
            "Properties": {
                "Name": "analytics-application",
                "LogType": "APPLICATION_LOGS",
                "ResourceArn": _get("Interpreter", "CodeInterpreterArn"),
            },
        },
        "Destination": {
            "Type": "AWS::Logs::DeliveryDestination",
            "Properties": {
                "Name": "analytics-application",
                "DestinationResourceArn": _get("Logs"),
            },
        },
        "Delivery": {
            "Type": "AWS::Logs::Delivery",
            "Properties": {
                "DeliverySourceName": {"Ref": "Source"},
                "DeliveryDestinationArn": _get("Destination"),
            },
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "KmsKeyId": KEY,
                "RetentionInDays": 30,
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/Bedrock-AgentCore",
                "MetricName": "SystemErrors",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "Period": 300,
                "Statistic": "Sum",
                "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:operators"],
            },
        },
        "OtherAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/SQS",
                "MetricName": "NumberOfMessagesSent",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "Period": 300,
                "Statistic": "Sum",
            },
        },
    },
}


@dataclass(frozen=True)
class Case:
    """One way to break one rule."""

    rule: str
    how: str
    resource: str
    """The resource that the finding must name."""
    change: Callable[[Template], None]
    guard_sees_it: bool = True

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.how}".replace(" ", "-")

    def template(self) -> Template:
        broken = copy.deepcopy(MENDED)
        self.change(broken["Resources"])
        return broken


def _set(resource: str, *path: Any, to: Any) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        place: Any = resources[resource]["Properties"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _drop(resource: str, *path: Any) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        if not path:
            del resources[resource]
            return
        place: Any = resources[resource]["Properties"]
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def _route_to_the_internet(resources: Template) -> None:
    resources["Gateway"] = {"Type": "AWS::EC2::InternetGateway"}
    resources["Route"] = {
        "Type": "AWS::EC2::Route",
        "Properties": {
            "RouteTableId": {"Ref": "RouteTable"},
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": {"Ref": "Gateway"},
        },
    }


def _drain_of_another_interpreter(resources: Template) -> None:
    resources["Drain"]["Properties"]["Id"] = "another-0123456789"


def _managed_policy_of_the_role(action: str) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        resources["Attached"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": _policy(_allow(action, "arn:aws:s3:::data/*"))},
        }
        resources["Role"]["Properties"]["ManagedPolicyArns"] = [{"Ref": "Attached"}]

    return change


def _encrypt_bucket_with(algorithm: str, **key: str) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        resources["Bucket"] = {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **key}}
                    ]
                }
            },
        }
        resources["Destination"]["Properties"]["DestinationResourceArn"] = _get("Bucket")

    return change


def _role_by_condition(resources: Template) -> None:
    other = copy.deepcopy(resources["Role"])
    other["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = "s3:*"
    resources["Other"] = other
    chosen = {"Fn::If": ["Condition", _get("Role"), _get("Other")]}
    resources["Interpreter"]["Properties"]["ExecutionRoleArn"] = chosen


def _role_by_name(resources: Template) -> None:
    resources["Role"]["Properties"]["RoleName"] = "code"
    resources["Policy"]["Properties"]["Roles"] = ["code"]
    resources["Policy"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:*"
    arn = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/code"}
    resources["Interpreter"]["Properties"]["ExecutionRoleArn"] = arn


def _group_by_condition(resources: Template) -> None:
    resources["Open"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}}
    chosen = {"Fn::If": ["Condition", _get("Logs"), _get("Open")]}
    resources["Destination"]["Properties"]["DestinationResourceArn"] = chosen


def _identity_that_passes(kind: str) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        document = _policy(_allow("iam:PassRole", "*"))
        resources["Identity"] = {
            "Type": f"AWS::IAM::{kind}",
            "Properties": {"Policies": [{"PolicyName": "pass", "PolicyDocument": document}]},
        }
        if kind == "Role":
            trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
            trust["Action"] = "sts:AssumeRole"
            resources["Identity"]["Properties"]["AssumeRolePolicyDocument"] = _policy(trust)

    return change


def _trust_without_a_list(resources: Template) -> None:
    document = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]
    document["Statement"] = {k: v for k, v in document["Statement"][0].items() if k != "Condition"}


def _trust_of_everyone(resources: Template) -> None:
    statement = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    statement["Principal"] = {"AWS": "*"}
    del statement["Condition"]


def _trust_of_any_account(resources: Template) -> None:
    statement = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    del statement["Condition"]["StringEquals"]
    statement["Condition"]["StringLike"] = {"aws:SourceAccount": "*"}


def _janitor_of_a_longer_name(resources: Template) -> None:
    resources["Janitor"]["Properties"]["Target"]["Input"] = (
        '{"interpreter": "analytics_0a1b2c3d4e_other-0123456789", "max_age_seconds": 3600}'
    )


def _deletion(deletion: str | None, replacement: str | None) -> Callable[[Template], None]:
    def change(resources: Template) -> None:
        del resources["Drain"]
        policies = {"DeletionPolicy": deletion, "UpdateReplacePolicy": replacement}
        resources["Interpreter"].update({k: v for k, v in policies.items() if v})

    return change


def _pass_if(operator: str, *services: str) -> Callable[[Template], None]:
    condition = {operator: {"iam:PassedToService": list(services)}}
    return _set("Agent", "PolicyDocument", "Statement", 2, "Condition", to=condition)


def _events_rule(resources: Template) -> None:
    target = resources["Janitor"]["Properties"]["Target"]
    resources["Janitor"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "ScheduleExpression": "rate(5 minutes)",
            "Targets": [{"Id": "janitor", "Arn": target["Arn"], "Input": target["Input"]}],
        },
    }


def _composite(resources: Template) -> None:
    del resources["Alarm"]["Properties"]["AlarmActions"]
    resources["Composite"] = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmRule": {"Fn::Sub": 'ALARM("${Alarm}")'},
            "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:operators"],
        },
    }


def _alarm_of_a_runtime(resources: Template) -> None:
    properties = resources["Alarm"]["Properties"]
    del properties["AlarmActions"]
    arn = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:runtime/agent-0123456789"
    properties["Dimensions"] = [{"Name": "Resource", "Value": arn}]


def _metrics_insights(resources: Template) -> None:
    properties = resources["Alarm"]["Properties"]
    for name in ("AlarmActions", "Namespace", "MetricName", "Period", "Statistic"):
        del properties[name]
    query = 'SELECT SUM(SystemErrors) FROM SCHEMA("AWS/Bedrock-AgentCore", Resource)'
    properties["Metrics"] = [{"Id": "q", "Expression": query, "Period": 300, "ReturnData": True}]


def _literal_gateway(resources: Template) -> None:
    _route_to_the_internet(resources)
    del resources["Gateway"]
    resources["Route"]["Properties"]["GatewayId"] = "igw-0123456789abcdef0"


_NO_VALUE = {"Ref": "AWS::NoValue"}
_STATEMENT = ("PolicyDocument", "Statement", 0)
_TRUST = ("AssumeRolePolicyDocument", "Statement", 0)
_JOINED = {
    "Fn::Join": [
        "",
        [
            "arn:aws:bedrock-agentcore:",
            {"Ref": "AWS::Region"},
            ":",
            {"Ref": "AWS::AccountId"},
            ":code-interpreter/x",
        ],
    ]
}
_MODE = ("NetworkConfiguration", "NetworkMode")

_OPEN_GROUP = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "code"}}


def _open_group(resources: Template) -> None:
    resources["Group"] = _OPEN_GROUP
    network = resources["Interpreter"]["Properties"]["NetworkConfiguration"]["VpcConfig"]
    network["SecurityGroups"] = [_get("Group", "GroupId")]
    resources["Nat"] = {"Type": "AWS::EC2::NatGateway"}
    resources["Route"] = {
        "Type": "AWS::EC2::Route",
        "Properties": {
            "RouteTableId": {"Ref": "RouteTable"},
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": {"Ref": "Nat"},
        },
    }


def _module(resources: Template) -> None:
    resources["Module"] = {"Type": "My::Own::Thing::MODULE"}


CASES = [
    Case("OpenEgress", "by a NAT gateway", "Interpreter", _open_group),
    Case("NotReadable", "a module", "Module", _module),
    Case(
        "RoleAssumesRole",
        "another one",
        "Policy",
        _set(
            "Policy",
            *_STATEMENT,
            to=_allow("sts:AssumeRole", "arn:aws:iam::999988887777:role/reader"),
        ),
    ),
    Case(
        "CallerWildcard",
        "on every interpreter",
        "Agent",
        _set("Agent", *_STATEMENT, "Resource", to="*"),
    ),
    Case("PublicNetwork", "chosen", "Interpreter", _set("Interpreter", *_MODE, to="PUBLIC")),
    Case("SandboxNetwork", "chosen", "Interpreter", _set("Interpreter", *_MODE, to="SANDBOX")),
    Case("SandboxNetwork", "by default", "Interpreter", _drop("Interpreter", *_MODE)),
    Case(
        "PublicSubnet",
        "with public addresses",
        "Interpreter",
        _set("Subnet", "MapPublicIpOnLaunch", to=True),
    ),
    Case(
        "PublicSubnet",
        "routed to the internet",
        "Interpreter",
        _route_to_the_internet,
        guard_sees_it=False,
    ),
    Case(
        "TrustConditions",
        "no account",
        "Role",
        _drop("Role", *_TRUST, "Condition", "StringEquals"),
    ),
    Case(
        "TrustConditions",
        "any source",
        "Role",
        _set("Role", *_TRUST, "Condition", "ArnLike", "aws:SourceArn", to="*"),
    ),
    Case("TrustConditions", "no condition", "Role", _drop("Role", *_TRUST, "Condition")),
    Case(
        "TrustConditions",
        "only if it exists",
        "Role",
        _set(
            "Role",
            *_TRUST,
            "Condition",
            to={
                "StringEqualsIfExists": {"aws:SourceAccount": "111122223333"},
                "ArnLike": {"aws:SourceArn": "arn:aws:bedrock-agentcore:*:111122223333:*"},
            },
        ),
    ),
    Case(
        "TrustOtherPrincipal",
        "another service",
        "Role",
        _set("Role", *_TRUST, "Principal", "Service", to=[SERVICE, "lambda.amazonaws.com"]),
    ),
    Case(
        "TrustOtherPrincipal",
        "an account",
        "Role",
        _set("Role", *_TRUST, "Principal", "AWS", to="arn:aws:iam::111122223333:root"),
    ),
    Case(
        "PassRole",
        "of this role",
        "Agent",
        _set("Agent", *_STATEMENT, to=_allow("iam:PassRole", _get("Role"))),
    ),
    Case(
        "PassRole",
        "of several roles",
        "Agent",
        _set("Agent", *_STATEMENT, to=_allow(["iam:PassRole"], [_get("Other"), _get("Role")])),
    ),
    Case(
        "PassRole",
        "of any role to AgentCore",
        "Agent",
        _set("Agent", "PolicyDocument", "Statement", 2, "Condition", to={}),
    ),
    Case(
        "PassRole",
        "by wildcard",
        "Agent",
        _set("Agent", *_STATEMENT, to=_allow(["iam:Pass*"], ["*"])),
    ),
    Case(
        "RoleWildcardAction",
        "in the role",
        "Role",
        _set("Role", "Policies", 0, *_STATEMENT, "Action", to="s3:*"),
    ),
    Case(
        "RoleWildcardAction",
        "in a policy",
        "Policy",
        _set("Policy", *_STATEMENT, "Action", to=["s3:PutObject", "s3:Get*"]),
    ),
    Case(
        "RoleWildcardAction",
        "in an attached policy",
        "Attached",
        _managed_policy_of_the_role("s3:*"),
    ),
    Case(
        "RoleManagedPolicy",
        "of AWS",
        "Role",
        _set("Role", "ManagedPolicyArns", to=["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    ),
    Case(
        "RoleWildcardResource",
        "in the role",
        "Role",
        _set("Role", "Policies", 0, *_STATEMENT, "Resource", to="*"),
    ),
    Case(
        "RoleWildcardResource",
        "in a policy",
        "Policy",
        _set("Policy", *_STATEMENT, "Resource", to=["arn:aws:s3:::data/*", "*"]),
    ),
    Case(
        "RoleWildcardResource",
        "a whole service",
        "Policy",
        _set("Policy", *_STATEMENT, "Resource", to={"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}),
    ),
    Case(
        "ArnForm",
        "of the developer guide",
        "Agent",
        _set("Agent", *_STATEMENT, "Resource", to=_arn("${AWS::AccountId}:code-interpreter/*")),
    ),
    Case(
        "ArnForm",
        "joined",
        "Agent",
        _set(
            "Agent",
            *_STATEMENT,
            "Resource",
            to=_JOINED,
        ),
    ),
    Case(
        "ArnForm",
        "a custom interpreter of AWS",
        "Agent",
        _set("Agent", *_STATEMENT, "Resource", to=_arn("aws:code-interpreter-custom/x")),
    ),
    Case(
        "ArnForm",
        "an action without a resource",
        "Agent",
        _set(
            "Agent",
            *_STATEMENT,
            "Action",
            to=["bedrock-agentcore:CreateCodeInterpreter"],
        ),
    ),
    Case("Drain", "missing", "Interpreter", _drop("Drain")),
    Case(
        "Drain",
        "of another interpreter",
        "Interpreter",
        _drain_of_another_interpreter,
        guard_sees_it=False,
    ),
    Case("Janitor", "missing", "Interpreter", _drop("Janitor")),
    Case(
        "Janitor",
        "without a max age",
        "Interpreter",
        _set("Janitor", "Target", "Input", to={"Fn::Sub": '{"interpreter": "${Interpreter}"}'}),
    ),
    Case("NameCollision", "fixed", "Interpreter", _set("Interpreter", "Name", to="analytics")),
    Case(
        "NameCollision",
        "of the stack",
        "Interpreter",
        _set("Interpreter", "Name", to={"Ref": "AWS::StackName"}),
    ),
    Case("LogEncryption", "of a group", "Logs", _drop("Logs", "KmsKeyId")),
    Case(
        "LogEncryption",
        "where a condition says so",
        "Logs",
        _set("Logs", "KmsKeyId", to={"Fn::If": ["Condition", KEY, _NO_VALUE]}),
    ),
    Case(
        "LogEncryption",
        "of a group that a condition chooses",
        "Open",
        _group_by_condition,
        guard_sees_it=False,
    ),
    Case(
        "LogEncryption",
        "of a bucket with a key of AWS",
        "Bucket",
        _encrypt_bucket_with("aws:kms"),
        guard_sees_it=False,
    ),
    Case(
        "LogRetention",
        "where a condition says so",
        "Logs",
        _set("Logs", "RetentionInDays", to={"Fn::If": ["Condition", 30, _NO_VALUE]}),
    ),
    Case(
        "RoleWildcardAction",
        "in a role that a condition chooses",
        "Other",
        _role_by_condition,
        guard_sees_it=False,
    ),
    Case(
        "RoleWildcardAction",
        "in a policy of a role by its name",
        "Policy",
        _role_by_name,
        guard_sees_it=False,
    ),
    Case(
        "RoleWildcardResource",
        "by two asterisks",
        "Policy",
        _set("Policy", *_STATEMENT, "Resource", to="**"),
    ),
    *(
        Case(
            "PassRole",
            f"of {what}",
            "Agent",
            _set("Agent", *_STATEMENT, to=_allow("iam:PassRole", {"Fn::Sub": f"arn:{arn}"})),
            guard_sees_it=False,
        )
        for what, arn in (
            ("all of the account", "${AWS::Partition}:iam::${AWS::AccountId}:*"),
            ("every role of the account", "aws:iam::${AWS::AccountId}:role/*"),
            ("the roles of the stack", "aws:iam::${AWS::AccountId}:role/${AWS::StackName}-*"),
        )
    ),
    Case("PassRole", "by a user", "Identity", _identity_that_passes("User")),
    Case("PassRole", "by a group", "Identity", _identity_that_passes("Group")),
    Case("PassRole", "by another role", "Identity", _identity_that_passes("Role")),
    Case("PassRole", "to a service by wildcard", "Agent", _pass_if("StringLike", "bedrock-*")),
    Case(
        "PassRole",
        "to every service but one",
        "Agent",
        _pass_if("StringNotEquals", "lambda.amazonaws.com"),
    ),
    Case("TrustConditions", "a single statement", "Role", _trust_without_a_list),
    Case(
        "TrustConditions",
        "any account",
        "Role",
        _trust_of_any_account,
    ),
    Case("TrustOtherPrincipal", "everyone", "Role", _trust_of_everyone),
    Case("Drain", "retained on deletion only", "Interpreter", _deletion("Retain", None)),
    Case(
        "Janitor",
        "switched off",
        "Interpreter",
        _set("Janitor", "State", to="DISABLED"),
    ),
    Case(
        "Janitor",
        "of a longer name",
        "Interpreter",
        _janitor_of_a_longer_name,
        guard_sees_it=False,
    ),
    Case(
        "AlarmActions",
        "of a query",
        "Alarm",
        _metrics_insights,
    ),
    Case(
        "PublicSubnet",
        "routed to a gateway by its id",
        "Interpreter",
        _literal_gateway,
        guard_sees_it=False,
    ),
    Case(
        "ArnForm",
        "whatever the case",
        "Agent",
        _set("Agent", *_STATEMENT, "Action", to=["Bedrock-AgentCore:createCodeInterpreter"]),
    ),
    Case(
        "LogEncryption",
        "of a bucket",
        "Bucket",
        _encrypt_bucket_with("AES256"),
        guard_sees_it=False,
    ),
    Case("LogRetention", "missing", "Logs", _drop("Logs", "RetentionInDays")),
    Case("AlarmActions", "missing", "Alarm", _drop("Alarm", "AlarmActions")),
    Case("AlarmActions", "empty", "Alarm", _set("Alarm", "AlarmActions", to=[])),
    Case("AlarmActions", "disabled", "Alarm", _set("Alarm", "ActionsEnabled", to=False)),
]


def bucket_with_a_key() -> Template:
    """The mended twin of the bucket that is encrypted without a key."""
    template = copy.deepcopy(MENDED)
    _encrypt_bucket_with("aws:kms", KMSMasterKeyID=KEY)(template["Resources"])
    return template


SILENT: dict[str, Callable[[Template], None]] = {
    "retained": _deletion("Retain", "Retain"),
    "retained but for a failed creation": _deletion("RetainExceptOnCreate", "Retain"),
    "a janitor by EventBridge": _events_rule,
    "pass to other services if it exists": _pass_if("StringEqualsIfExists", "ec2.amazonaws.com"),
    "pass to other services by pattern": _pass_if("StringLike", "lambda.amazonaws.com"),
    "an account that is not said": _set(
        "Agent",
        *_STATEMENT,
        "Resource",
        to="arn:aws:bedrock-agentcore:us-east-1:*:code-interpreter/*",
    ),
}
# Correct as well, and told apart by the pack only.
SILENT_FOR_THE_PACK: dict[str, Callable[[Template], None]] = {
    "a composite alarm speaks": _composite,
    "an alarm on a runtime": _alarm_of_a_runtime,
    "everything but IAM": _set(
        "Agent",
        *_STATEMENT,
        to={"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"},
    ),
    "the service by its suffix": _set(
        "Role",
        *_TRUST,
        "Principal",
        to={"Service": {"Fn::Sub": "bedrock-agentcore.${AWS::URLSuffix}"}},
    ),
}


def mended_in_another_way(change: Callable[[Template], None]) -> Template:
    """A template that is as right as the mended one."""
    template = copy.deepcopy(MENDED)
    change(template["Resources"])
    return template
