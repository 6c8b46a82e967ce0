"""What a local AWS is started with, the same for the command, the tests and the server."""

from __future__ import annotations

import ipaddress
import logging
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from agentcore_local.service.behavior import ServiceBehavior, UsageResource
from agentcore_local.service.limits import DOCUMENTED_RATES, Limits

# The account of AWS's own examples: nobody mistakes it for a real one.
DEFAULT_ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"
LOOPBACK = "127.0.0.1"
# The local AWS's root user. MiniStack does not check a root key's signature.
ROOT_ACCESS_KEY_ID = "test"
ROOT_SECRET_ACCESS_KEY = "test"
ADMIN_PATH = "/_agentcore_local"

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one local AWS.

    Args:
        data_folder: the folder that holds everything this server writes.
        port: the loopback port; 0 picks a free one.
        host: the address to listen on; only loopback addresses are allowed.
        account: the 12-digit account id that every resource belongs to.
        region: the region of requests that name none.
        enforce_iam: whether IAM policies decide each call, as on AWS.
        limits: the service's limits that differ from AWS's, by name.
        behavior: answers to what AWS does not document, by name.
        log_level: how much the server's log says.

    Raises:
        ValueError: an option is not one that a local AWS can be started with.
    """

    data_folder: Path
    port: int = 0
    host: str = LOOPBACK
    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    enforce_iam: bool = True
    limits: Mapping[str, Any] = field(default_factory=dict)
    behavior: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "WARNING"

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_folder", Path(self.data_folder))
        problems = [
            problem
            for problem in (
                _host_problem(self.host),
                _port_problem(self.port),
                _account_problem(self.account),
                _region_problem(self.region),
                _log_level_problem(self.log_level),
                _names_problem("limit", self.limits, Limits),
                _names_problem("behavior", self.behavior, ServiceBehavior),
                *_limit_problems(self.limits),
                *_behavior_problems(self.behavior),
            )
            if problem
        ]
        if problems:
            raise ValueError("the local AWS cannot start: " + "; ".join(problems))

    @property
    def temporary_folder(self) -> Path:
        """Where a server puts what nobody needs after it."""
        return self.data_folder / "tmp"

    @property
    def service_limits(self) -> Limits:
        """The service's limits: AWS's own, but for those that were given."""
        given = dict(self.limits)
        rates = given.get("requests_per_second")
        if rates is not None:
            # A number holds for every operation, a mapping for those that it names.
            named = rates if isinstance(rates, Mapping) else dict.fromkeys(DOCUMENTED_RATES, rates)
            given["requests_per_second"] = {**DOCUMENTED_RATES, **named}
        return Limits(**given)

    @property
    def service_behavior(self) -> ServiceBehavior:
        """How the service answers where AWS's documentation says nothing."""
        given = dict(self.behavior)
        if "usage_resource" in given:
            given["usage_resource"] = UsageResource(given["usage_resource"])
        return ServiceBehavior(**given)

    def as_json(self) -> dict[str, Any]:
        """These settings as plain JSON values."""
        return {**asdict(self), "data_folder": str(self.data_folder)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """The settings that `as_json` wrote down."""
        return cls(**{**values, "data_folder": Path(values["data_folder"])})


def _host_problem(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
        loopback = address.version == 4 and address.is_loopback
    except ValueError:
        loopback = False
    if loopback:
        return None
    return (
        f"the host must be an IPv4 loopback address such as {LOOPBACK}, got {host!r}: this server "
        "runs the code that it is given, on this machine"
    )


def _port_problem(port: int) -> str | None:
    if 0 <= port <= 65535:
        return None
    return f"the port must be between 1 and 65535, or 0 for a free one, got {port}"


def _account_problem(account: str) -> str | None:
    if re.fullmatch(r"\d{12}", str(account)) and isinstance(account, str):
        return None
    return f"the account must be 12 digits, got {account!r}"


def _names_problem(
    kind: str, given: Mapping[str, Any], described_by: type[Limits] | type[ServiceBehavior]
) -> str | None:
    known = [described.name for described in fields(described_by)]
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return None
    return f"there is no {kind} {', '.join(unknown)}; there are: {', '.join(known)}"


def _limit_problems(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        if name == "requests_per_second":
            rates = value if isinstance(value, Mapping) else dict.fromkeys(DOCUMENTED_RATES, value)
            if not all(_is_number(rate) and rate > 0 for rate in rates.values()):
                yield (
                    f"the limit {name} must be a number above 0, or such numbers by operation, "
                    f"got {value!r}"
                )
        elif not (_is_number(value) and value >= 0):
            yield f"the limit {name} must be a number from 0 on, got {value!r}"


def _behavior_problems(given: Mapping[str, Any]) -> Iterator[str]:
    defaults = ServiceBehavior()
    for name, value in given.items():
        default = getattr(defaults, name, None)
        if isinstance(default, bool) and not isinstance(value, bool):
            yield f"the behavior {name} must be true or false, got {value!r}"
        elif isinstance(default, float) and not (_is_number(value) and value >= 0):
            yield f"the behavior {name} must be a number of seconds from 0 on, got {value!r}"
        elif isinstance(default, UsageResource) and value not in [
            each.value for each in UsageResource
        ]:
            yield f"the behavior {name} must be id or arn, got {value!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _log_level_problem(level: str) -> str | None:
    known = logging.getLevelNamesMapping()
    if level in known:
        return None
    return f"the log level must be one of {', '.join(known)}, got {level!r}"


def _region_problem(region: str) -> str | None:
    if _REGION.fullmatch(str(region)):
        return None
    return f"the region must look like us-east-1, got {region!r}"
