"""The public face of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cdk_code_interpreter


def test_all_is_sorted_and_every_name_of_it_can_be_used() -> None:
    names = cdk_code_interpreter.__all__

    assert names == sorted(names)
    for name in names:
        assert getattr(cdk_code_interpreter, name).__name__ == name


def test_type_checkers_see_exactly_what_can_be_used() -> None:
    source = Path(cdk_code_interpreter.__file__).read_text()
    seen = {
        alias.name: node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }

    assert sorted(seen) == cdk_code_interpreter.__all__
    assert seen == cdk_code_interpreter._MODULES


def test_every_public_name_is_listed_by_dir() -> None:
    assert set(cdk_code_interpreter.__all__) <= set(dir(cdk_code_interpreter))


def test_a_name_that_does_not_exist_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Missing'"):
        _ = cdk_code_interpreter.Missing


def test_importing_the_package_imports_nothing_else() -> None:
    """What an app does not use costs it nothing; CDK itself takes seconds."""
    script = "import sys, cdk_code_interpreter; print('aws_cdk' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )

    assert run.stdout.strip() == "False"
