"""Templates in YAML, with the short forms of intrinsic functions."""

from __future__ import annotations

from typing import Any


def read_yaml(written: str, path: str) -> Any:
    """Read a template in YAML.

    Args:
        written: The template.
        path: The file's name, for messages.

    Raises:
        ValueError: It is not YAML, or the package that reads it is not installed.
    """
    try:
        from cfn_flip import load_yaml
        from yaml import YAMLError
    except ModuleNotFoundError:
        raise ValueError(
            f"{path} is YAML, which needs the package cfn-flip; run: pip install "
            "'cdk-code-interpreter[checks]'"
        ) from None
    try:
        # Mappings keep their order, as plain dicts.
        return _plain(load_yaml(written))
    except YAMLError as error:
        raise ValueError(f"{path} is neither JSON nor YAML: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
