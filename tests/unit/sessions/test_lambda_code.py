"""Where the functions' code is found, and what of it is deployed."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from cdk_code_interpreter.sessions import _lambda_code
from cdk_code_interpreter.sessions._lambda_code import lambda_code, lambda_folder


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lambda folder with two functions, as it is after it was installed and run."""
    folder = tmp_path / "lambda"
    for name in ("ours", "theirs"):
        for sub in (folder / name, folder / name / "inner"):
            (sub / "__pycache__").mkdir(parents=True)
            (sub / "__init__.py").write_text("")
            (sub / "handler.py").write_text(f"NAME = {name!r}\n")
            (sub / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"compiled")
    monkeypatch.setattr(_lambda_code, "_PLACES", (tmp_path / "absent", folder))
    return folder


def staged(stack: Stack, package: str) -> tuple[set[str], str]:
    """The files that are deployed, and the asset's hash."""
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler=f"{package}.handler.handler",
        code=lambda_code(package),
    )
    assembly = stack.node.root.synth()
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    template = assembly.get_stack_by_name("Analytics").template
    properties = template["Resources"][stack.resolve(resource.logical_id)]["Properties"]
    asset_hash = properties["Code"]["S3Key"].removesuffix(".zip")
    folder = Path(assembly.directory) / f"asset.{asset_hash}"
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }, asset_hash


def test_the_functions_of_the_checkout_are_found(repository: Path) -> None:
    assert lambda_folder("session_manager") == repository / "lambda"


def test_only_the_functions_own_package_is_deployed_without_what_python_compiled(
    stack: Stack, functions: Path
) -> None:
    files, _ = staged(stack, "ours")

    assert files == {
        *("ours/__init__.py", "ours/handler.py"),
        *("ours/inner/__init__.py", "ours/inner/handler.py"),
    }


def test_the_hash_depends_on_the_functions_own_source_only(new_app: Any, functions: Path) -> None:
    hashes = [staged(Stack(new_app(), "Analytics"), "ours")[1]]
    (functions / "theirs" / "handler.py").write_text("NAME = 'changed'\n")
    (functions / "ours" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"again")
    (functions / "ours" / "handler.pyc").write_bytes(b"again")
    hashes.append(staged(Stack(new_app(), "Analytics"), "ours")[1])
    (functions / "ours" / "inner" / "handler.py").write_text("NAME = 'changed'\n")
    hashes.append(staged(Stack(new_app(), "Analytics"), "ours")[1])

    assert hashes[0] == hashes[1] != hashes[2]


def test_code_that_is_nowhere_is_an_error_that_names_both_places(functions: Path) -> None:
    with pytest.raises(FileNotFoundError) as got:
        lambda_code("missing")

    assert str(functions / "missing") in str(got.value)
    assert str(functions.parent / "absent" / "missing") in str(got.value)
