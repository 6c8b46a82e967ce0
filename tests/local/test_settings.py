from pathlib import Path

import pytest

from agentcore_local.settings import Settings


def test_settings_survive_the_way_to_the_server(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, port=1234, limits={"active_sessions": 5})

    assert Settings.from_json(settings.as_json()) == settings


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "::"])
def test_only_loopback_addresses_are_listened_on(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="must be a loopback address") as error:
        Settings(data_folder=tmp_path, host=host)

    assert repr(host) in str(error.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_loopback_addresses_are_allowed(tmp_path: Path, host: str) -> None:
    assert Settings(data_folder=tmp_path, host=host).host == host


def test_every_wrong_option_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot start") as error:
        Settings(data_folder=tmp_path, port=70000, account="12", region="somewhere")

    assert all(value in str(error.value) for value in ("70000", "'12'", "'somewhere'"))
