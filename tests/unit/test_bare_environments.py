"""What an installation with each extra can do, and that it leaves a user's own tests alone."""

import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

Run = Callable[..., subprocess.CompletedProcess[str]]
_OWN_TEST = "def test_arithmetic() -> None:\n    assert 1 + 1 == 2\n"


def _requirements(lines: list[str], extra: str) -> Iterator[Requirement]:
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _closure(waiting: list[Requirement]) -> set[str]:
    """Return the distributions that are installed for some requirements, with theirs."""
    found: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = f"{requirement.name.lower()}[{extra}]"
            if key in found:
                continue
            found.add(key)
            try:
                lines = distribution(requirement.name).requires or []
            except PackageNotFoundError:  # an optional one, for another platform
                continue
            waiting += _requirements(lines, extra)
    return {key.partition("[")[0] for key in found}


def _link(name: str, site: Path) -> None:
    """Make one installed distribution importable, and nothing else."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return
    for file in {Path(str(each)).parts[0] for each in installed.files or []} - {
        "..",
        "__pycache__",
    }:
        target = site / file
        if not target.exists():
            target.symlink_to(Path(str(installed.locate_file(file))))


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=120)
    (built,) = target.iterdir()
    return built


def _environment(wheel: Path, extra: str, folder: Path) -> Run:
    """Make an environment with what the wheel asks for, and pytest; no package besides."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        (metadata,) = [each for each in archive.namelist() if each.endswith("/METADATA")]
        lines = [
            line.partition(": ")[2]
            for line in archive.read(metadata).decode().partition("\n\n")[0].splitlines()
            if line.startswith("Requires-Dist: ")
        ]
    for name in _closure([*_requirements(lines, extra), Requirement("pytest")]):
        _link(name, site)

    def run(*arguments: str, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(folder / "bin" / "python"), "-W", "error", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture(scope="module", params=["", "checks", "local"], ids=lambda extra: extra or "base")
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return _environment(wheel, request.param, tmp_path_factory.mktemp(f"bare-{request.param}"))


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _environment(wheel, "", tmp_path_factory.mktemp("base"))


def test_tests_of_a_project_that_does_not_use_us_run(installed: Run, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(_OWN_TEST)
    ran = installed("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)

    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_everything_public_can_be_imported(installed: Run) -> None:
    script = (
        "import cdk_code_interpreter as library\n"
        "for name in library.__all__:\n"
        "    try:\n"
        "        getattr(library, name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        assert name == 'CodeInterpreterChecks', name\n"
        "        assert \"pip install 'cdk-code-interpreter[checks]'\" in str(error)\n"
        "import agentcore_local.pytest_plugin\n"
    )
    ran = installed("-c", script)

    assert ran.returncode == 0, ran.stderr


def test_the_command_says_what_the_base_installation_lacks(base: Run) -> None:
    ran = base("-c", "from agentcore_local.launcher import main; main()", "status")

    assert ran.returncode == 1
    assert "run: pip install 'cdk-code-interpreter[local]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_fixture_says_what_the_base_installation_lacks(base: Run, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_it(local_aws) -> None:\n    pass\n")
    ran = base("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)

    assert "run: pip install 'cdk-code-interpreter[local]'" in ran.stdout
    assert "Traceback" not in ran.stdout
