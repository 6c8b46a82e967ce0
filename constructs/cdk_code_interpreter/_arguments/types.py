"""Checks of what kind of thing an argument is, where a type checker was not asked.

Without them a wrong kind is an ``AttributeError`` somewhere below, or nothing at all: Python takes
a text for a list of its characters.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType, MethodType
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy

from .limits import Findings

if TYPE_CHECKING:
    from constructs import Construct

_PLAIN = (str, bytes, int, float, Mapping, list, tuple, set, frozenset, type, enum.Enum)
_FUNCTIONS = (FunctionType, MethodType)
_LONGEST_SHOWN = 80
# How CDK writes what only the deployment knows into a list of texts and into a number:
# https://docs.aws.amazon.com/cdk/v2/guide/tokens.html
_LIST_TOKEN = "#{Token["
_LARGEST_NUMBER_TOKEN = -1e288


@dataclass(frozen=True)
class Kind:
    """A kind of argument.

    Attributes:
        words: What it must be, and how to get one.
        accepts: Whether a value is one.
        is_optional: Whether `None` stands for the default.
    """

    words: str
    accepts: Callable[[object], bool]
    is_optional: bool = False

    @property
    def or_none(self) -> Kind:
        """The same, where `None` stands for the default."""
        return replace(self, is_optional=True)


def with_member(member: str, words: str) -> Kind:
    """Something of one of CDK's interfaces, which cannot be asked for at run time.

    The class is looked at: of an object the question would cross into Node.
    """
    return Kind(
        words, lambda value: any(hasattr(type(each), member) for each in _implementations(value))
    )


def _implementations(value: object) -> Sequence[object]:
    """What answers for an object: what is imported may be several of jsii's proxies in one."""
    delegates: Sequence[object] = getattr(value, "__dict__", {}).get("_delegates", (value,))
    return delegates


def one_of(choices: type[enum.Enum]) -> Kind:
    """A member of an enumeration."""
    named = " or ".join(f"{choices.__name__}.{each.name}" for each in choices)
    return Kind(named, lambda value: isinstance(value, choices))


def instance_of(kind: type, words: str) -> Kind:
    """An instance of a class."""
    return Kind(words, lambda value: isinstance(value, kind))


def class_named(name: str, words: str = "") -> Kind:
    """An instance of a class that is not imported here, for its module is costly to load."""
    return Kind(
        words or f"a {name}", lambda value: any(each.__name__ == name for each in type(value).mro())
    )


def is_number_token(value: object) -> bool:
    """Whether a number stands for one that only the deployment knows."""
    return isinstance(value, int | float) and value < _LARGEST_NUMBER_TOKEN


def _holds_list_token(values: Sequence[object]) -> bool:
    return any(isinstance(each, str) and _LIST_TOKEN in each for each in values)


def list_of(item: Kind) -> Kind:
    """A list, whose items are of a kind; CloudFormation cannot add items to one that it knows."""
    return Kind(
        f"a list, each {item.words}",
        lambda value: (
            isinstance(value, Sequence)
            and not isinstance(value, (str, bytes))
            and all(map(item.accepts, value))
            and (len(value) == 1 or not _holds_list_token(value))
        ),
    )


TEXT = instance_of(str, "text")
FLAG = instance_of(bool, "True or False")
# A number that only the deployment knows is a float.
NUMBER = Kind(
    "a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)
)
WHOLE_NUMBER = Kind(
    "a whole number",
    lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and not is_number_token(value)
    ),
)
DURATION = instance_of(Duration, "a Duration, such as Duration.minutes(15)")
REMOVAL_POLICY = instance_of(
    RemovalPolicy, "a RemovalPolicy: RemovalPolicy.DESTROY or RemovalPolicy.RETAIN"
)
TEXTS = list_of(TEXT)
KNOWN_TEXTS = Kind(
    f"{TEXTS.words}, and not a list that only the deployment knows",
    lambda value: (
        TEXTS.accepts(value) and isinstance(value, Sequence) and not _holds_list_token(value)
    ),
)
TAGS = Kind(
    'a dictionary of texts, such as {"team": "analytics"}',
    lambda value: (
        isinstance(value, Mapping)
        and all(isinstance(each, str) for pair in value.items() for each in pair)
    ),
)
ROLE = with_member(
    "role_arn", "a role (import one with iam.Role.from_role_arn) or ExecutionRole.none()"
)
KEY = with_member("key_arn", "a key; import one with kms.Key.from_key_arn(scope, id, arn)")
BUCKET = with_member(
    "bucket_arn", "a bucket; import one with s3.Bucket.from_bucket_name(scope, id, name)"
)
TOPIC = with_member(
    "topic_arn", "a topic; import one with sns.Topic.from_topic_arn(scope, id, arn)"
)
VPC = with_member(
    "select_subnets",
    "a VPC (import one with ec2.Vpc.from_lookup; of a PrivateNetwork pass its network_access())",
)
SECRET = with_member(
    "secret_arn", "a secret; import one with secretsmanager.Secret.from_secret_complete_arn"
)
GROUP = with_member(
    "security_group_id",
    "a security group; import one with ec2.SecurityGroup.from_security_group_id",
)
QUEUE = with_member(
    "queue_arn", "a queue; import one with sqs.Queue.from_queue_arn(scope, id, arn)"
)
MANAGED_POLICY = with_member(
    "managed_policy_arn",
    "a managed policy; import one with iam.ManagedPolicy.from_managed_policy_arn(scope, id, arn)",
)
SUBNETS = class_named("SubnetSelection", "ec2.SubnetSelection(...), such as of a subnet_type")
RETENTION = class_named("RetentionDays", "one of logs.RetentionDays, such as ONE_MONTH")
GRANTEE = with_member("grant_principal", "a role, function or anything else that can be granted to")


INTERPRETER = class_named(
    "ICodeInterpreter",
    "a code interpreter of this library; take an L2 with CodeInterpreter.from_l2(l2), and an ARN "
    "with CodeInterpreter.from_code_interpreter_arn(scope, id, arn)",
)


def check_kinds(scope: Construct, construct_id: str, **arguments: tuple[object, Kind]) -> None:
    """Refuse arguments of a wrong kind, before anything is asked of them.

    Args:
        scope: The scope of the construct that is about to be made.
        construct_id: Its id there.
        **arguments: Each argument's value, and what it must be.

    Raises:
        ValueError: Some are of another kind.
    """
    findings = Findings(scope, construct_id)
    for problem in wrong_kinds(**arguments):
        findings.add(problem)
    findings.raise_if_any()


def wrong_kinds(**arguments: tuple[object, Kind]) -> list[str]:
    """What is wrong with the kinds of some arguments."""
    return [
        f"{name} must be {kind.words}, got {shown(value)}"
        for name, (value, kind) in arguments.items()
        if not (kind.accepts(value) or (value is None and kind.is_optional))
    ]


def shown(value: object) -> str:
    """A value as its writer knows it."""
    if isinstance(value, _FUNCTIONS):
        return f"the function {value.__name__}, which was not called"
    if is_number_token(value):
        return "a number that only the deployment knows"
    if isinstance(value, list | tuple) and _holds_list_token(value):
        others = " together with other items" if len(value) > 1 else ""
        return f"a list that only the deployment knows{others}"
    if value is None or isinstance(value, _PLAIN):
        text = repr(value)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return f"a {type(value).__name__}"
