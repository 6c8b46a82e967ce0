"""What is shipped, and that it deploys the same code wherever it was installed from."""

import compileall
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from importlib.metadata import Distribution, distribution
from pathlib import Path

import constructs
import pytest
from packaging.requirements import Requirement

# Prints the assets of an app with one drained interpreter, and where the library was found.
_APP = """
import json, pathlib, aws_cdk, cdk_code_interpreter
app = aws_cdk.App(analytics_reporting=False)
stack = aws_cdk.Stack(app, "Analytics")
cdk_code_interpreter.CodeInterpreter(stack, "Sandbox")
assembly = app.synth()
assets = json.loads(pathlib.Path(assembly.directory, "Analytics.assets.json").read_text())
print(sorted(assets["files"]))
print(pathlib.Path(cdk_code_interpreter.__file__).parents[1])
"""


def test_constructs_is_a_folder_and_never_a_package(repository: Path) -> None:
    """With an __init__.py it would shadow PyPI's `constructs`, which CDK needs."""
    assert not (repository / "constructs" / "__init__.py").exists()
    assert not Path(constructs.__file__).is_relative_to(repository / "constructs")
    assert hasattr(constructs, "Construct")


def test_no_module_of_ours_is_loaded_by_way_of_that_folder() -> None:
    import cdk_code_interpreter  # noqa: F401

    assert not [name for name in sys.modules if name.startswith("constructs.cdk_")]


def _build(source: Path, target: Path, kind: str) -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    run = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def source_distribution(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(repository, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(repository, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def wheel_of_the_source_distribution(
    source_distribution: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(source_distribution) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return _build(source, tmp_path_factory.mktemp("second_wheel"), "wheel")


def _contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if ".dist-info/" not in name
        }


def test_the_wheel_holds_the_library_the_functions_and_the_local_aws(
    wheel: Path, repository: Path
) -> None:
    names = set(_contents(wheel))

    assert {name.split("/")[0] for name in names} == {"cdk_code_interpreter", "agentcore_local"}
    assert {"cdk_code_interpreter/py.typed", "agentcore_local/py.typed"} <= names
    sources = (repository / "lambda" / "session_manager").rglob("*.py")
    shipped = {
        f"cdk_code_interpreter/_lambda/{source.relative_to(repository / 'lambda').as_posix()}"
        for source in sources
    }
    assert shipped <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_is_the_same_by_way_of_the_source_distribution(
    wheel: Path, wheel_of_the_source_distribution: Path
) -> None:
    assert _contents(wheel) == _contents(wheel_of_the_source_distribution)


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return message_from_string(archive.read(metadata).decode())


def test_the_metadata_names_what_is_needed_and_what_is_extra(wheel: Path) -> None:
    fields = _metadata(wheel)

    requirements = [Requirement(line) for line in fields.get_all("Requires-Dist", [])]
    assert {r.name for r in requirements if r.marker is None} == {"aws-cdk-lib", "constructs"}
    assert set(fields.get_all("Provides-Extra", [])) == {"local", "checks"}
    assert fields["License-Expression"] == "Apache-2.0"
    assert fields["Requires-Python"] == ">=3.11"


def test_the_long_description_links_to_nothing_that_its_page_lacks(
    wheel: Path, repository: Path
) -> None:
    fields = _metadata(wheel)
    text = str(fields.get_payload())

    assert fields["Description-Content-Type"] == "text/markdown"
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [each for each in targets if not each.startswith(("https://", "#"))] == []
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    assert {each[1:] for each in targets if each.startswith("#")} <= anchors
    # Alarms link to these; PyPI may give headings no anchors, or others.
    runbook = re.findall(r"^### (Runbook: .+)$", (repository / "README.md").read_text(), re.M)
    assert len(runbook) > 10
    assert {each.lower().replace(":", "").replace(" ", "-") for each in runbook} <= anchors


def test_the_source_distribution_has_what_the_long_description_names(
    wheel: Path, source_distribution: Path
) -> None:
    text = str(_metadata(wheel).get_payload())
    named = set(re.findall(r"`((?:docs|examples|lambda)/[a-z_0-9/.-]+)`", text))
    with tarfile.open(source_distribution) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}

    assert len(named) > 10
    assert {each for each in named if each.rstrip("/") not in shipped} == set()


def _needed(names: list[str], seen: set[str]) -> Iterator[Distribution]:
    """What is installed here of these distributions and of all that they require."""
    for name in names:
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        found = distribution(name)
        yield found
        required = [Requirement(line) for line in found.requires or []]
        wanted = [r.name for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
        yield from _needed(wanted, seen)


def _packed(installed: Distribution, folder: Path) -> None:
    """Make a wheel again of what was installed from one."""
    tags = re.findall(r"^Tag: (.+)$", installed.read_text("WHEEL") or "", re.MULTILINE)
    name = re.sub(r"[-_.]+", "_", installed.metadata["Name"])
    target = folder / f"{name}-{installed.version}-{tags[-1]}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for each in installed.files or []:
            if ".." not in each.parts and each.suffix != ".pyc":
                archive.write(str(each.locate()), each.as_posix())


def test_the_readme_example_works_where_only_the_wheel_was_installed(
    wheel: Path, repository: Path, tmp_path: Path
) -> None:
    """Pip installs the wheel, and what it says it needs, into an empty environment.

    What it needs is packed again from this environment, so that no index is asked.
    """
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    requirements = [Requirement(line) for line in _metadata(wheel).get_all("Requires-Dist", [])]
    for each in _needed([r.name for r in requirements if r.marker is None], set()):
        _packed(each, wheels)
    environment = tmp_path / "environment"
    # Neither our modules nor a machine's own settings of pip help.
    outside = {
        key: value
        for key, value in os.environ.items()
        if key != "PYTHONPATH" and not key.startswith("PIP_")
    } | {"PIP_CONFIG_FILE": os.devnull}

    def run(*command: str | Path, **variables: str) -> str:
        finished = subprocess.run(
            [str(each) for each in command],
            cwd=tmp_path,
            env={**outside, **variables},
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    python = environment / "bin" / "python"
    run(sys.executable, "-m", "venv", environment)
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--find-links", wheels, "--no-compile", wheel)
    run(*pip, "check")
    (example,) = re.findall(
        r"^## Ten lines\n\n```python\n(.*?)^```",
        (repository / "README.md").read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )
    app = tmp_path / "app.py"
    app.write_text(example)
    assembly = tmp_path / "cdk.out"
    run(python, "-W", "error", app, CDK_OUTDIR=str(assembly), CDK_VALIDATION="false")

    template = json.loads((assembly / "Analytics.template.json").read_text())
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert "AWS::BedrockAgentCore::CodeInterpreterCustom" in kinds
    assert "Custom::CodeInterpreterSessionDrain" in kinds


def _synthesized_with(library: Path | None, unrelated: Path) -> tuple[str, str]:
    """The assets that an app in an unrelated folder gets, and where the library was found."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if library is not None:
        environment["PYTHONPATH"] = str(library)
    run = subprocess.run(
        [sys.executable, "-c", _APP],
        cwd=unrelated,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assets, found = run.stdout.splitlines()
    return assets, found


def test_wheel_source_distribution_and_checkout_deploy_the_same_code(
    wheel: Path, wheel_of_the_source_distribution: Path, repository: Path, tmp_path: Path
) -> None:
    seen = {_synthesized_with(None, tmp_path)}
    for number, built in enumerate((wheel, wheel_of_the_source_distribution)):
        installed = tmp_path / f"installed{number}"
        with zipfile.ZipFile(built) as archive:
            archive.extractall(installed)
        # pip compiles what it installs; deployed code must not depend on that.
        assert compileall.compile_dir(installed, quiet=1)
        seen.add(_synthesized_with(installed, tmp_path))

    assert {found for _, found in seen} == {
        str(repository / "constructs"),
        str(tmp_path / "installed0"),
        str(tmp_path / "installed1"),
    }
    assert len({assets for assets, _ in seen}) == 1, seen
