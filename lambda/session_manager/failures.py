"""What a failed call means for whoever made it."""

from __future__ import annotations

import enum

from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

# What may be raised by a call: the service's answer, or the way to it. botocore gives its own names
# to the errors of the way, but for those that befall a stream of results while it is read.
CALL_ERRORS = (ClientError, BotoCoreError, HTTPError, ParserError)


class Failure(enum.Enum):
    """Kinds of failure that call for different behavior."""

    GONE = "the resource does not exist"
    THROTTLED = "the account's quota of requests is used up"
    TRANSIENT = "the service or the way to it failed"
    CONFLICT = "the resource is changing"
    DENIED = "the permission is missing"
    REFUSED = "the request is not acceptable"
    OUT_OF_TIME = "there was no time left"


RETRIED = frozenset({Failure.THROTTLED, Failure.TRANSIENT})
# These do not go away by trying again at once; a permission may take a while to spread.
HOPELESS = frozenset({Failure.DENIED, Failure.REFUSED})

# In a stream of results the service begins the same names with a small letter, and there is no
# status of its own to go by.
_BY_CODE = {
    "accessdeniedexception": Failure.DENIED,
    "conflictexception": Failure.CONFLICT,
    "internalserverexception": Failure.TRANSIENT,
    "resourcenotfoundexception": Failure.GONE,
    "servicequotaexceededexception": Failure.THROTTLED,
    "throttling": Failure.THROTTLED,
    "throttlingexception": Failure.THROTTLED,
    "toomanyrequestsexception": Failure.THROTTLED,
    "validationexception": Failure.REFUSED,
}
_BY_STATUS = {
    401: Failure.DENIED,
    403: Failure.DENIED,
    404: Failure.GONE,
    408: Failure.TRANSIENT,
    409: Failure.CONFLICT,
    429: Failure.THROTTLED,
}


class CallFailedError(Exception):
    """A call that failed for good, or for longer than there was time."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def classify(error: Exception) -> Failure:
    """The kind of failure that an error of botocore stands for."""
    if isinstance(error, ParamValidationError):
        return Failure.REFUSED
    if not isinstance(error, ClientError):
        return Failure.TRANSIENT
    known = _BY_CODE.get(error.response.get("Error", {}).get("Code", "").lower())
    if known is not None:
        return known
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500:
        return Failure.TRANSIENT
    return _BY_STATUS.get(status, Failure.REFUSED)
