from pathlib import Path
from typing import Any

import pytest

from agentcore_local.settings import Settings


def test_settings_survive_the_way_to_the_server(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, port=1234, limits={"active_sessions": 5})

    assert Settings.from_json(settings.as_json()) == settings


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "::", "::1"])
def test_only_loopback_addresses_are_listened_on(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="must be an IPv4 loopback address") as error:
        Settings(data_folder=tmp_path, host=host)

    assert repr(host) in str(error.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_loopback_addresses_are_allowed(tmp_path: Path, host: str) -> None:
    assert Settings(data_folder=tmp_path, host=host).host == host


def test_every_wrong_option_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot start") as error:
        Settings(data_folder=tmp_path, port=70000, account="12", region="somewhere")

    assert all(value in str(error.value) for value in ("70000", "'12'", "'somewhere'"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": {"active_sessions": "abc"}}, "limit active_sessions .*, got 'abc'"),
        ({"limits": {"active_sessions": -1}}, "limit active_sessions .*, got -1"),
        ({"limits": {"invoke_seconds": float("inf")}}, "limit invoke_seconds .*, got inf"),
        ({"limits": {"requests_per_second": 0}}, "requests_per_second must be .*, got 0"),
        ({"limits": {"requests_per_second": {"Op": "x"}}}, "requests_per_second .*, got {'Op'"),
        ({"behavior": {"same_name_conflicts": "maybe"}}, "true or false, got 'maybe'"),
        ({"behavior": {"create_seconds": "abc"}}, "number of seconds .*, got 'abc'"),
        ({"behavior": {"usage_resource": "name"}}, "must be id or arn, got 'name'"),
        ({"log_level": "loud"}, "log level must be one of .*INFO.*, got 'loud'"),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(data_folder=tmp_path, **options)


def test_each_value_that_can_be_is_taken(tmp_path: Path) -> None:
    settings = Settings(
        data_folder=tmp_path,
        limits={"active_sessions": 0, "invoke_seconds": 0.5, "requests_per_second": {"Op": 2.5}},
        behavior={"same_name_conflicts": False, "create_seconds": 0, "usage_resource": "arn"},
        log_level="DEBUG",
    )

    assert settings.service_limits.active_sessions == 0
    assert settings.service_behavior.usage_resource.value == "arn"


def test_a_data_folder_may_be_a_text_and_an_account_may_not_be_a_number(tmp_path: Path) -> None:
    assert Settings(data_folder=str(tmp_path)).data_folder == tmp_path  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be 12 digits, got 111122223333"):
        Settings(data_folder=tmp_path, account=111122223333)  # type: ignore[arg-type]
