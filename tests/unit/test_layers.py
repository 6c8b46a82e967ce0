"""The layers of the code: who may import whom, type-only imports counted."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

# From the top down: a layer imports from the layers below it, and from its own.
LAYERS = [
    ["governed_code_interpreter"],
    ["compliance_profile"],
    ["observability"],
    ["interpreter"],
    ["network"],
    ["sessions"],
    ["interface"],
    ["exports", "metrics", "permissions"],
    ["_replacements"],
    ["interpreter_reference"],
    ["_arguments"],
    ["_cdk"],
    ["_documents"],
]
# Rules, reports and their command judge templates, whatever made them.
APART = {"checks"}
# A role for other accounts is made by the grants that it then uses.
PAIRS_THAT_MAY_STAY = [
    {
        "cdk_code_interpreter.permissions.access_role",
        "cdk_code_interpreter.permissions.grants",
    }
]
Graph = Mapping[str, set[str]]


def _modules(folder: Path, package: str) -> dict[str, Path]:
    found = {}
    for file in sorted((folder / package).rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def _imported(file: Path, package: list[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)


def graph_of(folder: Path, package: str) -> Graph:
    """Return which module of a package imports which other one of it."""
    modules = _modules(folder, package)
    graph: dict[str, set[str]] = {}
    for name, file in modules.items():
        inside = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
        found = {each for each in _imported(file, inside) if each in modules and each != name}
        # `from .package import module` runs the package's own module as well, which is no
        # dependency of the code: what it re-exports is.
        graph[name] = {
            each
            for each in found
            if not any(other.startswith(f"{each}.") for other in found if other != each)
        }
    return graph


def circles(graph: Graph) -> list[set[str]]:
    """Return the sets of modules that import one another, directly or by way of others."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for each in graph[waiting.pop()] - seen:
                seen.add(each)
                waiting.append(each)
        return seen

    reach = {each: reachable(each) for each in graph}
    found: list[set[str]] = []
    for name in graph:
        circle = {name, *(each for each in reach[name] if name in reach[each])}
        if name in reach[name] and circle not in found:
            found.append(circle)
    return found


@pytest.fixture(scope="module")
def constructs(repository: Path) -> Graph:
    graph = dict(graph_of(repository / "constructs", "cdk_code_interpreter"))
    # Public names are loaded when they are used: the package's own module names all the others.
    graph["cdk_code_interpreter"] = set()
    return graph


def test_no_module_of_the_constructs_is_part_of_a_circle(constructs: Graph) -> None:
    assert circles(constructs) == PAIRS_THAT_MAY_STAY


def test_every_module_of_the_constructs_stands_in_a_layer(constructs: Graph) -> None:
    rooms = {name.split(".")[1] for name in constructs if "." in name}
    assert rooms == {room for layer in LAYERS for room in layer} | APART


def test_imports_of_the_constructs_go_downwards(constructs: Graph) -> None:
    height = {room: -place for place, layer in enumerate(LAYERS) for room in layer}
    upwards = [
        (name, each)
        for name, targets in constructs.items()
        for each in targets
        if "." in name and name.split(".")[1] in height and each.split(".")[1] in height
        if name.split(".")[1] != each.split(".")[1]
        if height[each.split(".")[1]] >= height[name.split(".")[1]]
    ]
    assert upwards == []


def test_the_constructs_import_no_local_aws_and_the_functions_nothing_of_ours(
    repository: Path,
) -> None:
    forbidden = {
        "constructs": ("agentcore_local", "agentcore_conformance", "ministack"),
        "lambda": ("aws_cdk", "constructs", "cdk_code_interpreter", "agentcore_local", "ministack"),
    }
    found = [
        (str(file.relative_to(repository)), name)
        for folder, names in forbidden.items()
        for file in (repository / folder).rglob("*.py")
        for name in _imported(file, ["x"] * 9)
        if name.split(".")[0] in names
        # PyPI's `constructs` is what a construct is made of.
        if not (folder == "constructs" and name.split(".")[0] == "constructs")
    ]
    assert found == []


def test_rules_and_reports_need_policy_documents_only(constructs: Graph) -> None:
    needed = {
        each.split(".")[1]
        for name, targets in constructs.items()
        if name.startswith("cdk_code_interpreter.checks")
        for each in targets
        if "." in each
    }
    assert needed == {"checks", "_documents"}
