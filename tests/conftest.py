"""Guards that must speak before any test is imported."""

from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]

if (REPOSITORY / "constructs" / "__init__.py").exists():
    pytest.exit(
        "constructs/__init__.py must not exist: it shadows PyPI's `constructs`, and every "
        "`import aws_cdk` fails. Remove the file; constructs/ plays the part of src/.",
        returncode=4,
    )

# The same examples on every machine, and none is judged by how long it took.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return REPOSITORY


# Files that take minutes begin first: else one worker has one left when the others are done.
LONGEST = (
    "tests/local/test_session_lifecycle.py",
    "tests/local/test_deployments.py",
    "tests/local/test_examples.py",
    "tests/local/test_conformance.py",
    "tests/local/observability/test_alarms.py",
    "tests/local/storm/test_storm.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave everything else in its order."""
    places = {REPOSITORY / name: place for place, name in enumerate(LONGEST)}
    missing = [str(path) for path in places if not path.exists()]
    if missing and (REPOSITORY / "tests" / "local").exists():  # it does not where mutants are made
        raise pytest.UsageError(f"LONGEST names files that are not there: {', '.join(missing)}")
    items.sort(key=lambda item: places.get(item.path, len(places)))
