"""Shapes of templates, good and bad, and what the pack and the Guard file must say of each.

Every shape is the mended template with one change. Where Guard says something else, the rule's
`guard_limit` must say so.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .rule_cases import CASES, MENDED, SERVICE, SILENT, SILENT_FOR_THE_PACK, mended_in_another_way

Body = dict[str, Any]
Change = Callable[[Body], None]

OWN, OTHER = "111122223333", "999988887777"
INTERPRETERS = f"arn:aws:bedrock-agentcore:eu-west-1:{OWN}:code-interpreter-custom/"
AWS_POLICY = "arn:aws:iam::aws:policy/"
NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Shape:
    """A template, and the rules that must object to it."""

    name: str
    template: Body
    pack: frozenset[str]
    guard: frozenset[str]


def _shape(name: str, pack: str, change: Change, guard: str | None = None) -> Shape:
    body = copy.deepcopy(MENDED)
    change(body)
    return Shape(
        name,
        body,
        frozenset(pack.split()),
        frozenset((pack if guard is None else guard).split()),
    )


def _properties(body: Body, resource: str) -> Body:
    found: Body = body["Resources"][resource]["Properties"]
    return found


def _add(body: Body, logical_id: str, kind: str, **properties: Any) -> None:
    body["Resources"][logical_id] = {"Type": kind, "Properties": properties}


def _statement(action: Any, resource: Any, **more: Any) -> Body:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _document(*statements: Body) -> Body:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def parameters(**definitions: Body) -> Change:
    """Add parameters."""

    def change(body: Body) -> None:
        body.setdefault("Parameters", {}).update(
            {name: {"Type": "String", **definition} for name, definition in definitions.items()}
        )

    return change


def mapped(**values: Any) -> Change:
    """Add a mapping that has these values in every region."""

    def change(body: Body) -> None:
        rows = {region: dict(values) for region in ("eu-west-1", "us-east-1")}
        body["Mappings"] = {"Map": rows}

    return change


LOOKED_UP = {"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "Value"]}


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(body: Body) -> None:
        for each in changes:
            each(body)

    return change


def allowed(action: Any, resource: Any, **more: Any) -> Change:
    """Give the role another statement in a policy of its own."""

    def change(body: Body) -> None:
        document = _document(_statement(action, resource, **more))
        _properties(body, "Role")["Policies"].append(
            {"PolicyName": "more", "PolicyDocument": document}
        )

    return change


def document_of_the_role(document: Any) -> Change:
    """Give the role another policy, whatever its form."""

    def change(body: Body) -> None:
        _properties(body, "Role")["Policies"].append(
            {"PolicyName": "more", "PolicyDocument": document}
        )

    return change


def attached(*policies: Any) -> Change:
    """Attach managed policies to the role."""

    def change(body: Body) -> None:
        _properties(body, "Role")["ManagedPolicyArns"] = list(policies)

    return change


def agent(*statements: Body) -> Change:
    """Replace what the caller's policy says."""

    def change(body: Body) -> None:
        _properties(body, "Agent")["PolicyDocument"] = _document(*statements)

    return change


def trust(*statements: Body, **more: Any) -> Change:
    """Replace the trust policy."""

    def change(body: Body) -> None:
        _properties(body, "Role")["AssumeRolePolicyDocument"] = {
            "Version": "2012-10-17",
            "Statement": list(statements),
            **more,
        }

    return change


def trusting(account: Any = OWN, arn: Any = f"{INTERPRETERS}analytics_*", **more: Any) -> Body:
    """A trust statement for the service."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": arn},
        },
        **more,
    }


def conditioned(**operators: Any) -> Body:
    """A trust statement with other conditions; `__` stands for a colon."""
    return trusting(Condition={name.replace("__", ":"): keys for name, keys in operators.items()})


def mode(value: Any) -> Change:
    """Choose the network mode."""

    def change(body: Body) -> None:
        _properties(body, "Interpreter")["NetworkConfiguration"]["NetworkMode"] = value

    return change


def name(value: Any) -> Change:
    """Choose the interpreter's name."""

    def change(body: Body) -> None:
        _properties(body, "Interpreter")["Name"] = value

    return change


def sent(value: Any) -> Change:
    """Choose what the schedule sends."""

    def change(body: Body) -> None:
        _properties(body, "Janitor")["Target"]["Input"] = value

    return change


def group(egress: Any, *, route: Body | None = None, kind: str = "AWS::EC2::NatGateway") -> Change:
    """Give the interpreter a security group, and its subnet a route."""

    def change(body: Body) -> None:
        rules = {} if egress is None else {"SecurityGroupEgress": egress}
        _add(body, "Group", "AWS::EC2::SecurityGroup", GroupDescription="code", **rules)
        network = _properties(body, "Interpreter")["NetworkConfiguration"]["VpcConfig"]
        network["SecurityGroups"] = [{"Fn::GetAtt": ["Group", "GroupId"]}]
        if route is not None:
            _add(body, "Gateway", kind)
            _add(body, "Route", "AWS::EC2::Route", RouteTableId={"Ref": "RouteTable"}, **route)

    return change


EVERYWHERE = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]
BY_NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": {"Ref": "Gateway"}}


def resource(logical_id: str, kind: str, **properties: Any) -> Change:
    """Add a resource."""
    return lambda body: _add(body, logical_id, kind, **properties)


def top(**parts: Any) -> Change:
    """Set parts of the template itself; `__` stands for two colons."""

    def change(body: Body) -> None:
        body.update(parts)

    return change


def loop(collection: Any, body_of: Body) -> Change:
    """Add a loop over resources."""

    def change(body: Body) -> None:
        body["Transform"] = "AWS::LanguageExtensions"
        body["Resources"]["Fn::ForEach::Every"] = ["Item", collection, body_of]

    return change


def policy_of_role(action: str) -> Body:
    """A policy resource of the role, for each turn of a loop."""
    return {
        "Policy${Item}": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "${Item}",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": _document(_statement(action, "arn:aws:s3:::${Item}/*")),
            },
        }
    }


def passing(arn: Any, **more: Any) -> Change:
    """Let the caller pass roles."""
    return agent(_statement("iam:PassRole", arn, **more))


def denied_beside(arn: Any, **more: Any) -> Change:
    """Let the caller pass every role, and deny it."""
    return agent(
        _statement("iam:PassRole", "*"),
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": arn, **more},
    )


def _role(**properties: Any) -> Body:
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {"AssumeRolePolicyDocument": _document(trusted), **properties}


def forever(name: str | None = None, **groups: Any) -> Change:
    """Add a log group without an end."""
    named = {} if name is None else {"LogGroupName": name}
    return resource("Other", "AWS::Logs::LogGroup", **named, **groups)


# What Guard says of a mode and of a document that are not written out.
MODES = "PublicNetwork SandboxNetwork"
DOCUMENT = "PassRole RoleAssumesRole RoleWildcardAction RoleWildcardResource"
ROLE_ARN = {"Fn::GetAtt": ["Role", "Arn"]}
S3 = "arn:aws:s3:::data/*"
TO_AGENTCORE = {"iam:PassedToService": SERVICE}


def _wildcard_resources() -> Iterable[Shape]:
    for arn in (
        "arn:aws:s3:::*/*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::*-data/*",
        "arn:aws:s3:*",
        "arn:*",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:*",
        "arn:aws:dynamodb:*:111122223333:table/*",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:lambda:eu-west-1:111122223333:function:*",
        "arn:aws:sqs:eu-west-1:111122223333:*",
        "arn:aws:sns:*:*:*",
        "arn:aws:logs:*:*:log-group:*",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/*",
        "arn:aws:kms:*:111122223333:key/*",
    ):
        yield _shape(f"resource {arn}", "RoleWildcardResource", allowed("s3:GetObject", arn))
    for arn in (
        "arn:aws:s3:::data*",
        "arn:aws:s3:::data/in/*",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/*",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/*",
        "arn:aws:lambda:eu-west-1:111122223333:function:app:*",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/app/*",
        "arn:aws:execute-api:eu-west-1:111122223333:abcdef/*/GET/x",
        "arn:aws:sqs:*:*:jobs",
    ):
        yield _shape(f"resource {arn}", "", allowed("s3:GetObject", arn))


def _trusts() -> Iterable[Shape]:
    bad = {
        "two accounts": trusting([OWN, OTHER], "arn:aws:bedrock-agentcore:*:*:*"),
        "any arn": trusting(OWN, "arn:*"),
        "two asterisks": trusting(OWN, "**"),
    }
    seen = {"two accounts": "", "any arn": None, "two asterisks": None}
    for how, statement in bad.items():
        yield _shape(f"trust {how}", "TrustConditions", trust(statement), seen[how])
    unseen = {
        "every resource of any service": trusting(OWN, "arn:aws:*:*:*:*"),
        "ForAllValues": conditioned(
            ForAllValues__StringEquals={"aws:SourceAccount": OWN},
            ArnLike={"aws:SourceArn": f"{INTERPRETERS}*"},
        ),
        "an ARN if it exists": conditioned(
            StringEquals={"aws:SourceAccount": OWN},
            ArnLikeIfExists={"aws:SourceArn": f"{INTERPRETERS}*"},
        ),
        "not another account": conditioned(
            StringNotEquals={"aws:SourceAccount": OTHER},
            ArnLike={"aws:SourceArn": f"{INTERPRETERS}*"},
        ),
        "accounts by a pattern": conditioned(
            StringLike={"aws:SourceAccount": "1111*"},
            ArnLike={"aws:SourceArn": "arn:aws:bedrock-agentcore:*"},
        ),
    }
    for how, statement in unseen.items():
        guard = "" if how.startswith("accounts") else None
        yield _shape(f"trust {how}", "TrustConditions", trust(statement), guard)
    yield _shape(
        "trust a second statement without conditions",
        "TrustConditions",
        trust(trusting(), {k: v for k, v in trusting().items() if k != "Condition"}),
    )
    yield _shape(
        "trust a second statement by NotAction",
        "TrustConditions",
        trust(
            trusting(),
            {
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "NotAction": "sts:TagSession",
            },
        ),
    )
    yield _shape(
        "trust NotPrincipal",
        "TrustConditions TrustOtherPrincipal",
        trust(
            trusting(),
            {
                "Effect": "Allow",
                "NotPrincipal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
                "Action": "sts:AssumeRole",
            },
        ),
        "TrustOtherPrincipal",
    )
    for who, principal in {
        "a star": "*",
        "an account": {"AWS": OTHER},
        "the root": {"AWS": f"arn:aws:iam::{OWN}:root"},
        "federated": {"Federated": "cognito-identity.amazonaws.com"},
        "another service": {"Service": "ec2.amazonaws.com"},
    }.items():
        found = "TrustOtherPrincipal" if who != "a star" else "TrustConditions TrustOtherPrincipal"
        yield _shape(
            f"trust {who}",
            found,
            trust(trusting(), {"Effect": "Allow", "Principal": principal, "Action": ["sts:*"]}),
            "TrustOtherPrincipal",
        )
    yield _shape(
        "trust by ArnEquals",
        "",
        trust(
            conditioned(
                StringEquals={"aws:SourceAccount": OWN},
                ArnEquals={"aws:SourceArn": f"{INTERPRETERS}*"},
            )
        ),
    )
    yield _shape(
        "trust with a Deny",
        "",
        trust(
            trusting(),
            {
                "Effect": "Deny",
                "Principal": {"Service": SERVICE},
                "Action": "sts:AssumeRole",
                "Condition": {"StringNotEquals": {"aws:SourceAccount": OWN}},
            },
        ),
    )


def _passing() -> Iterable[Shape]:
    place = f"arn:aws:iam::{OWN}:role/"
    for how, arn, guard in (
        ("every role", "*", None),
        ("every role of an account", f"{place}*", None),
        ("roles by a prefix of the stack", f"{place}Analytics-*", ""),
        ("this role", ROLE_ARN, None),
        ("roles of a path, or of none", f"{place}*Role*", ""),
    ):
        yield _shape(f"pass {how}", "PassRole", passing(arn), guard)
    for how, condition in {
        "to AgentCore": {"StringEquals": TO_AGENTCORE},
        "of one organization": {"StringEquals": {"aws:PrincipalOrgID": "o-example"}},
        "for interpreters": {"ArnLike": {"iam:AssociatedResourceArn": f"{INTERPRETERS}*"}},
    }.items():
        yield _shape(f"pass {how}", "PassRole", passing("*", Condition=condition))
    yield _shape(
        "pass by NotAction",
        "PassRole",
        agent({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        "",
    )
    yield _shape(
        "pass to others", "", passing("*", Condition={"StringEquals": {"iam:PassedToService": "x"}})
    )
    yield _shape(
        "pass for functions",
        "",
        passing(
            "*",
            Condition={
                "ArnLike": {"iam:AssociatedResourceArn": f"arn:aws:lambda:*:{OWN}:function:*"}
            },
        ),
        "PassRole",
    )
    yield _shape("pass beside a Deny", "", denied_beside("*"), "PassRole")
    yield _shape("pass beside a Deny of this role", "", denied_beside(ROLE_ARN), "PassRole")
    yield _shape(
        "pass beside a Deny to AgentCore",
        "",
        denied_beside("*", Condition={"StringEquals": TO_AGENTCORE}),
        "PassRole",
    )
    yield _shape(
        "pass beside a Deny to others",
        "PassRole",
        denied_beside("*", Condition={"StringEquals": {"iam:PassedToService": "x"}}),
    )
    yield _shape("pass beside a Deny of other roles", "PassRole", denied_beside(f"{place}other"))
    literal = both(trust(trusting()), passing(f"arn:aws:iam::{OTHER}:role/*"))
    yield _shape("pass in another account", "", literal, "PassRole")
    for kind, properties in {
        "AWS::IAM::Role": _role(ManagedPolicyArns=[f"{AWS_POLICY}AdministratorAccess"]),
        "AWS::IAM::User": {"ManagedPolicyArns": [f"{AWS_POLICY}IAMFullAccess"]},
        "AWS::SSO::PermissionSet": {
            "Name": "Admins",
            "InstanceArn": "arn:aws:sso:::instance/x",
            "ManagedPolicies": [f"{AWS_POLICY}AdministratorAccess"],
        },
        "AWS::Serverless::Function": {"Policies": ["AdministratorAccess"]},
    }.items():
        added = both(
            resource("Admin", kind, **properties), top(Transform="AWS::Serverless-2016-10-31")
        )
        yield _shape(f"pass by a policy of AWS on {kind}", "PassRole", added, "")
    inline = _document(_statement("iam:PassRole", "*"))
    sam = top(Transform="AWS::Serverless-2016-10-31")
    yield _shape(
        "pass by a function of SAM",
        "PassRole",
        both(sam, resource("F", "AWS::Serverless::Function", Policies=[inline])),
        "",
    )
    for how, document in {"an object": inline, "a string": json.dumps(inline)}.items():
        yield _shape(
            f"pass by a permission set with {how}",
            "PassRole",
            resource("Set", "AWS::SSO::PermissionSet", InlinePolicy=document),
            "",
        )
    yield _shape(
        "pass in a boundary only",
        "",
        both(
            resource("Limit", "AWS::IAM::ManagedPolicy", PolicyDocument=inline),
            resource("Bound", "AWS::IAM::Role", **_role(PermissionsBoundary={"Ref": "Limit"})),
        ),
        "PassRole",
    )
    yield _shape(
        "read only by a policy of AWS elsewhere",
        "",
        resource(
            "Reader", "AWS::IAM::Role", **_role(ManagedPolicyArns=[f"{AWS_POLICY}ReadOnlyAccess"])
        ),
    )


def _role_permissions() -> Iterable[Shape]:
    for policy in (
        f"{AWS_POLICY}AmazonS3ReadOnlyAccess",
        f"{AWS_POLICY}service-role/AWSLambdaBasicExecutionRole",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"},
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/ReadOnlyAccess"]]},
    ):
        yield _shape(f"attached {json.dumps(policy)}", "RoleManagedPolicy", attached(policy))
    yield _shape(
        "attached by a parameter",
        "RoleManagedPolicy",
        both(parameters(P={"Default": f"{AWS_POLICY}ReadOnlyAccess"}), attached({"Ref": "P"})),
        "",
    )
    yield _shape(
        "attached by a condition",
        "RoleManagedPolicy",
        attached({"Fn::If": ["C", f"{AWS_POLICY}ReadOnlyAccess", NO_VALUE]}),
        "",
    )
    action, wide = "RoleWildcardAction", "RoleWildcardResource"
    default = parameters(P={"Default": "s3:*"})
    yield _shape("action by default", action, both(default, allowed({"Ref": "P"}, S3)), None)
    several = parameters(P={"AllowedValues": ["s3:GetObject", "s3:*"], "Default": "s3:GetObject"})
    yield _shape(
        "action by allowed value", action, both(several, allowed([{"Ref": "P"}], S3)), None
    )
    one = parameters(P={"AllowedValues": ["s3:GetObject"], "Default": "s3:GetObject"})
    yield _shape(
        "action by good values", "", both(one, allowed([{"Ref": "P"}], S3)), "RoleWildcardAction"
    )
    listed = parameters(P={"Type": "CommaDelimitedList", "Default": "s3:GetObject,s3:Put*"})
    yield _shape("actions by a list", action, both(listed, allowed({"Ref": "P"}, S3)), None)
    yield _shape(
        "action by mapping", action, both(mapped(Value="s3:*"), allowed(LOOKED_UP, S3)), None
    )
    yield _shape(
        "action by condition", action, allowed({"Fn::If": ["C", "s3:*", "s3:GetObject"]}, S3), None
    )
    service = parameters(S={"Default": "s3"})
    yield _shape("action by Sub", action, both(service, allowed({"Fn::Sub": "${S}:*"}, S3)), None)
    yield _shape(
        "action by Join", action, allowed({"Fn::Join": ["", ["s3:", "Get", "*"]]}, S3), None
    )
    yield _shape(
        "NotAction",
        action,
        document_of_the_role(
            _document(
                {
                    "Effect": "Allow",
                    "NotAction": "iam:*",
                    "Resource": S3,
                }
            )
        ),
    )
    yield _shape(
        "Deny by wildcard",
        "",
        document_of_the_role(
            _document(
                {
                    "Effect": "Deny",
                    "Action": "s3:*",
                    "Resource": "*",
                }
            )
        ),
    )
    text = json.dumps(_document(_statement("s3:*", S3)))
    yield _shape("document as a string", action, document_of_the_role(text), DOCUMENT)
    yield _shape("document as Sub", action, document_of_the_role({"Fn::Sub": text}), DOCUMENT)
    yield _shape(
        "document by condition",
        action,
        document_of_the_role(
            {
                "Fn::If": [
                    "C",
                    _document(_statement("s3:*", S3)),
                    _document(_statement("s3:GetObject", S3)),
                ]
            }
        ),
        DOCUMENT,
    )
    everything = parameters(P={"Default": "*"})
    yield _shape(
        "resource by default", wide, both(everything, allowed("s3:GetObject", {"Ref": "P"})), ""
    )
    bucket = parameters(B={"Default": "*"})
    in_bucket = allowed("s3:GetObject", {"Fn::Sub": "arn:aws:s3:::${B}/*"})
    yield _shape("resource by Sub", wide, both(bucket, in_bucket), "")
    good = parameters(B={"Default": "data"})
    yield _shape("resource by good default", "", both(good, in_bucket))
    yield _shape(
        "resource by Join",
        wide,
        both(bucket, allowed("s3:GetObject", {"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "B"}]]})),
        "",
    )
    yield _shape(
        "resource by mapping", wide, both(mapped(Value="*"), allowed("s3:GetObject", LOOKED_UP)), ""
    )
    yield _shape(
        "resource by Sub alone",
        wide,
        allowed("s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"}),
    )
    yield _shape(
        "NotResource",
        wide,
        document_of_the_role(
            _document(
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "NotResource": S3,
                }
            )
        ),
    )
    role = f"arn:aws:iam::{OTHER}:role/reader"
    yield _shape("assume one role", "RoleAssumesRole", allowed("sts:AssumeRole", role))
    yield _shape(
        "assume every role",
        "RoleAssumesRole RoleWildcardResource",
        allowed("sts:AssumeRole", f"arn:aws:iam::{OWN}:role/*"),
    )
    yield _shape(
        "assume by wildcard",
        "RoleAssumesRole RoleWildcardAction",
        allowed("sts:Assume*", role),
    )
    yield _shape("identify itself", "", allowed("sts:GetCallerIdentity", S3))


def _callers() -> Iterable[Shape]:
    rule = "CallerWildcard"
    everyone = f"{INTERPRETERS}*"
    use = "bedrock-agentcore:InvokeCodeInterpreter"
    for action in ("bedrock-agentcore:*CodeInterpreter*", "bedrock-agentcore:*", use):
        for arn in ("*", everyone):
            yield _shape(f"call {action} on {arn}", rule, agent(_statement(action, arn)))
    yield _shape(
        "call on all of the account",
        rule,
        agent(_statement(use, f"arn:aws:bedrock-agentcore:eu-west-1:{OWN}:*")),
    )
    yield _shape(
        "call on all by Sub",
        rule,
        agent(
            _statement(
                use,
                {
                    "Fn::Sub": "arn:${AWS::Partition}:bedrock-agentcore:*:${AWS::AccountId}:"
                    "code-interpreter-custom/*"
                },
            )
        ),
    )
    yield _shape("call on one", "", agent(_statement(use, f"{INTERPRETERS}analytics_*")))
    listing = _statement("bedrock-agentcore:ListCodeInterpreterSessions", "*")
    yield _shape("list sessions of all", "", agent(listing))
    yield _shape("list all", "", agent(_statement("bedrock-agentcore:ListCodeInterpreters", "*")))
    yield _shape("create", "", agent(_statement("bedrock-agentcore:CreateCodeInterpreter", "*")))
    yield _shape(
        "call runtimes", "", agent(_statement("bedrock-agentcore:InvokeAgentRuntime", "*"))
    )
    yield _shape(
        "call in a role's own policy",
        rule,
        resource(
            "Caller",
            "AWS::IAM::Role",
            **_role(
                Policies=[{"PolicyName": "p", "PolicyDocument": _document(_statement(use, "*"))}]
            ),
        ),
        "",
    )
    yield _shape(
        "call by a policy of AWS",
        f"{rule}",
        resource(
            "Caller",
            "AWS::IAM::Role",
            **_role(ManagedPolicyArns=[f"{AWS_POLICY}BedrockAgentCoreFullAccess"]),
        ),
        "",
    )


def _networks() -> Iterable[Shape]:
    default = parameters(Mode={"Default": "PUBLIC"})
    yield _shape("mode by default", "PublicNetwork", both(default, mode({"Ref": "Mode"})), MODES)
    allowed_modes = parameters(Mode={"AllowedValues": ["VPC", "PUBLIC"], "Default": "VPC"})
    yield _shape(
        "mode by allowed value", "PublicNetwork", both(allowed_modes, mode({"Ref": "Mode"})), MODES
    )
    closed = parameters(Mode={"AllowedValues": ["VPC"], "Default": "VPC"})
    yield _shape("mode by good value", "", both(closed, mode({"Ref": "Mode"})), MODES)
    three = parameters(Mode={"AllowedValues": ["VPC", "SANDBOX", "PUBLIC"], "Default": "VPC"})
    yield _shape(
        "mode of three", "PublicNetwork SandboxNetwork", both(three, mode({"Ref": "Mode"})), MODES
    )
    yield _shape(
        "mode by mapping", "PublicNetwork", both(mapped(Value="PUBLIC"), mode(LOOKED_UP)), MODES
    )
    yield _shape(
        "mode by condition", "SandboxNetwork", mode({"Fn::If": ["C", "VPC", "SANDBOX"]}), MODES
    )
    yield _shape("egress by NAT", "OpenEgress", group(EVERYWHERE, route=BY_NAT))
    yield _shape("egress by EC2's own rule", "OpenEgress", group(None, route=BY_NAT))
    https = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}]
    yield _shape("egress by HTTPS", "OpenEgress", group(https, route=BY_NAT))
    half = [{"CidrIp": "128.0.0.0/1", "IpProtocol": "-1"}]
    yield _shape("egress to half of the world", "OpenEgress", group(half, route=BY_NAT))
    six = [{"CidrIpv6": "::/0", "IpProtocol": "-1"}]
    by_six = {
        "DestinationIpv6CidrBlock": "::/0",
        "EgressOnlyInternetGatewayId": {"Ref": "Gateway"},
    }
    kind = "AWS::EC2::EgressOnlyInternetGateway"
    yield _shape("egress by IPv6", "OpenEgress", group(six, route=by_six, kind=kind))
    yield _shape("egress without a route", "", group(EVERYWHERE))
    inside = [{"CidrIp": "10.0.0.0/16", "IpProtocol": "-1"}]
    yield _shape("egress to the VPC only", "", group(inside, route=BY_NAT))
    nothing = [{"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp"}]
    yield _shape("egress to nothing", "", group(nothing, route=BY_NAT))
    yield _shape(
        "egress by a private NAT",
        "",
        both(
            group(EVERYWHERE, route=BY_NAT),
            resource("Gateway", "AWS::EC2::NatGateway", ConnectivityType="private"),
        ),
        "OpenEgress",
    )
    standalone = both(
        group(inside, route=BY_NAT),
        resource(
            "Rule",
            "AWS::EC2::SecurityGroupEgress",
            GroupId={"Fn::GetAtt": ["Group", "GroupId"]},
            CidrIp="0.0.0.0/0",
            IpProtocol="-1",
        ),
    )
    yield _shape("egress by a rule of its own", "OpenEgress", standalone, "")


def _sessions() -> Iterable[Shape]:
    aging = (
        '{"interpreter": "analytics_0a1b2c3d4e_*", "max_age_seconds": 3600, "enforcement": "%s"}'
    )
    yield _shape("a janitor that only counts", "Janitor", sent(aging % "SHADOW"))
    yield _shape("a janitor that ends", "", sent(aging % "ENFORCE"))
    for ending, found in {
        "20261127": "NameCollision",
        "202611271530": "NameCollision",
        "00000042": "NameCollision",
        "5f6a7b8c": "",
        "12345678": "",
    }.items():
        change = name(f"analytics_0a1b2c3d4e_{ending}")
        yield _shape(f"a name that ends in {ending}", found, change)
    given = name({"Ref": "Name"})
    good = parameters(Name={"AllowedValues": ["analytics_0a1b2c3d4e_5f6a7b8c"]})
    yield _shape("a name by good value", "", both(good, given), "NameCollision")
    bad = parameters(Name={"AllowedValues": ["analytics_0a1b2c3d4e_5f6a7b8c", "analytics"]})
    yield _shape("a name by bad value", "NameCollision", both(bad, given))


def _logs() -> Iterable[Shape]:
    yield _shape("an unrelated group", "", forever("/aws/lambda/other"))
    yield _shape("a nameless group", "", forever())
    yield _shape("a group of AgentCore", "LogRetention", forever("/aws/bedrock-agentcore/x"))
    function = {"LoggingConfig": {"LogGroup": {"Ref": "Other"}}}
    about = {"Environment": {"Variables": {"ID": {"Ref": "Interpreter"}}}}
    called = resource("F", "AWS::Lambda::Function", **function, **about)
    yield _shape("a group of a caller's function", "LogRetention", both(forever(), called))
    unrelated = resource("F", "AWS::Lambda::Function", **function)
    yield _shape("a group of another function", "", both(forever(), unrelated), "LogRetention")

    def alias(body: Body) -> None:
        _properties(body, "Logs")["KmsKeyId"] = "alias/aws/logs"

    yield _shape("a key of AWS", "LogEncryption", alias)

    def own_key(body: Body) -> None:
        _properties(body, "Logs")["KmsKeyId"] = {"Fn::GetAtt": ["Key", "Arn"]}

    yield _shape("a key by reference", "", own_key)


def _unreadable() -> Iterable[Shape]:
    rule = "NotReadable"
    items = ["In", "Out"]
    yield _shape("a loop", "RoleWildcardAction", loop(items, policy_of_role("s3:*")), rule)
    yield _shape("a good loop", "", loop(items, policy_of_role("s3:GetObject")), rule)
    collection = parameters(Items={"Type": "CommaDelimitedList", "Default": "In,Out"})
    by_parameter = loop({"Ref": "Items"}, policy_of_role("s3:*"))
    yield _shape("a loop by default", "RoleWildcardAction", both(collection, by_parameter), rule)
    unknown = parameters(Items={"Type": "CommaDelimitedList"})
    yield _shape("a loop over unknown items", rule, both(unknown, by_parameter))
    yield _shape("a module", rule, resource("M", "My::Own::Thing::MODULE"))
    yield _shape(
        "a nested template",
        rule,
        resource("N", "AWS::CloudFormation::Stack", TemplateURL="https://x/y"),
    )
    joined = {"Fn::Join": ["", ["https://", {"Ref": "AWS::URLSuffix"}, "/y"]]}
    nested = resource("N", "AWS::CloudFormation::Stack", TemplateURL=joined)
    yield _shape("a nested template by reference", rule, nested, "")
    yield _shape("a macro", rule, top(Transform=["MyMacro"]))
    yield _shape("transforms of AWS", "", top(Transform=["AWS::LanguageExtensions"]))
    snippet = {"Name": "AWS::Include", "Parameters": {"Location": "s3://x/y"}}

    def included(body: Body) -> None:
        _properties(body, "Policy")["PolicyDocument"] = {"Fn::Transform": snippet}

    yield _shape("an included document", rule, included, f"ArnForm CallerWildcard {DOCUMENT}")
    open_action = both(parameters(P={}), allowed({"Ref": "P"}, S3))
    yield _shape("an action that the launch gives", rule, open_action, "RoleWildcardAction")
    open_resource = both(parameters(P={}), allowed("s3:GetObject", {"Ref": "P"}))
    yield _shape("a resource that the launch gives", rule, open_resource, "")
    yield _shape("a policy of the account", rule, attached(f"arn:aws:iam::{OWN}:policy/data"), "")

    def imported(body: Body) -> None:
        _properties(body, "Interpreter")["ExecutionRoleArn"] = f"arn:aws:iam::{OWN}:role/elsewhere"

    yield _shape("a role of elsewhere", rule, imported, "")


SHAPES: tuple[Shape, ...] = (
    *_wildcard_resources(),
    *_trusts(),
    *_passing(),
    *_role_permissions(),
    *_callers(),
    *_networks(),
    *_sessions(),
    *_logs(),
    *_unreadable(),
)


# What Guard takes for bad of what only the pack tells apart.
_BY_GUARD = {
    "a composite alarm speaks": frozenset({"AlarmActions"}),
    "an alarm on a runtime": frozenset({"AlarmActions"}),
    "the service by its suffix": frozenset({"TrustOtherPrincipal"}),
}


def every_shape() -> tuple[Shape, ...]:
    """The shapes here, and those of the rules' own cases."""
    none: frozenset[str] = frozenset()
    silent = {**SILENT, **SILENT_FOR_THE_PACK}
    return (
        *SHAPES,
        *(
            Shape(
                case.id,
                case.template(),
                frozenset({case.rule}),
                frozenset({case.rule}) if case.guard_sees_it else none,
            )
            for case in CASES
        ),
        *(
            Shape(way, mended_in_another_way(change), none, _BY_GUARD.get(way, none))
            for way, change in silent.items()
        ),
    )
