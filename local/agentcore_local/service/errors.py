"""Errors of the service, with the codes, statuses and members of its model."""

from __future__ import annotations

from collections.abc import Sequence

CANNOT_PARSE = "CannotParse"
FIELD_VALIDATION_FAILED = "FieldValidationFailed"
IDEMPOTENT_PARAMETER_MISMATCH = "IdempotentParameterMismatchException"
RESOURCE_CONFLICT = "ResourceConflict"


class ServiceError(Exception):
    """An error that the caller gets.

    Attributes:
        code: The error's name in the service model, such as `ConflictException`.
        http_status: The HTTP status that goes with it.
        message: The text for the caller.
        reason: Why validation failed, one of the model's reasons; only of a ValidationException.
        field_list: Pairs of a field and its message; only of a ValidationException.
    """

    def __init__(
        self,
        code: str,
        http_status: int,
        message: str,
        *,
        reason: str | None = None,
        field_list: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.http_status = http_status
        self.message = message
        self.reason = reason
        self.field_list = None if field_list is None else list(field_list)

    def members(self) -> dict[str, object]:
        """The members of the error's shape."""
        members: dict[str, object] = {"message": self.message}
        if self.reason is not None:
            members["reason"] = self.reason
        if self.field_list is not None:
            members["fieldList"] = [
                {"name": name, "message": message} for name, message in self.field_list
            ]
        return members


def access_denied(message: str) -> ServiceError:
    """403: IAM does not allow the call."""
    return ServiceError("AccessDeniedException", 403, message)


def conflict(message: str) -> ServiceError:
    """409: the call conflicts with the state of the resource."""
    return ServiceError("ConflictException", 409, message)


def internal_error(message: str) -> ServiceError:
    """500: the service failed."""
    return ServiceError("InternalServerException", 500, message)


def not_found(message: str) -> ServiceError:
    """404: there is no such resource."""
    return ServiceError("ResourceNotFoundException", 404, message)


def quota_exceeded(message: str) -> ServiceError:
    """402: a quota of the account is used up."""
    return ServiceError("ServiceQuotaExceededException", 402, message)


def throttled(message: str = "Rate exceeded") -> ServiceError:
    """429: too many requests."""
    return ServiceError("ThrottlingException", 429, message)


def invalid(
    message: str,
    *,
    fields: Sequence[tuple[str, str]] | None = None,
    reason: str = FIELD_VALIDATION_FAILED,
) -> ServiceError:
    """400: the request breaks a constraint of the model or of the service."""
    return ServiceError("ValidationException", 400, message, reason=reason, field_list=fields)
