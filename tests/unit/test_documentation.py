"""The site builds without a warning and says all that is public; every link leads somewhere."""

import dataclasses
import enum
import inspect
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import cdk_code_interpreter
from agentcore_local.service.behavior import ServiceBehavior

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
URL = re.compile(r"https?://[^\s\]\[)(`\"'<>|]+")
# Where facts come from. Nothing here can be fetched by a test, so at least nothing else is cited.
HOSTS = {
    "aws.amazon.com",
    "docs.aws.amazon.com",
    "docs.oasis-open.org",
    "github.com",
    "json.schemastore.org",
    "keepachangelog.com",
    "pypi.org",
    "semver.org",
}
# Choices of this library, and what is put together of other public names: no facts of their own.
WITHOUT_SOURCE = {
    "CheckLevel",
    "Enforcement",
    "GovernedCodeInterpreter",
    "NoExecutionRole",
    "OnDrainFailure",
    "Threshold",
}


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    subprocess.run(
        ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(built)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return built


def test_the_site_builds_and_its_reference_has_every_public_name(site: Path) -> None:
    reference = (site / "reference.html").read_text()
    assert [name for name in cdk_code_interpreter.__all__ if f">{name}<" not in reference] == []


def test_no_page_of_the_site_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = re.compile(
        r'<(?:script|img)[^>]* src="(https?:[^"]+)"|<link[^>]* href="(https?:[^"]+)"'
    )
    assert {page.name: loaded.findall(page.read_text()) for page in site.glob("*.html")} == {
        page.name: [] for page in site.glob("*.html")
    }


def documents(repository: Path) -> list[Path]:
    """Those of the root and of the site; `index.md` is filled with the README."""
    pages = (repository / "docs").glob("*.md")
    return [*repository.glob("*.md"), *(each for each in pages if each.name != "index.md")]


def prose(document: Path) -> str:
    """A document without its code; the site's first page is the README."""
    if document.parts[-2:] == ("docs", "index.md"):
        document = document.parents[1] / "README.md"
    return re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """What GitHub and MkDocs make of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in headings}


def broken(document: Path) -> Iterator[str]:
    """Links to a file or a heading that is not there."""
    for link in LINK.findall(prose(document)):
        path, _, anchor = link.partition("#")
        if link.startswith(("https:", "http:")):
            continue
        target = (document.parent / path) if path else document
        is_there = target.exists() and (not anchor or anchor in anchors(target))
        if not is_there:
            yield f"{document.name}: {link}"


def test_every_link_of_every_document_leads_to_a_file_and_a_heading(repository: Path) -> None:
    found = documents(repository)
    assert {"README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"} < {
        each.name for each in found
    }
    assert [link for document in found for link in broken(document)] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[1](#a-heading) [2](#none) [3](no.md) [4](page.md#none)\n")
    assert list(broken(page)) == ["page.md: #none", "page.md: no.md", "page.md: page.md#none"]


def test_every_page_is_in_the_table_of_the_readme(repository: Path) -> None:
    text = (repository / "README.md").read_text()
    pages = {each.name for each in (repository / "docs").glob("*.md")}
    assert {each for each in pages if f"(docs/{each})" not in text} == {"index.md", "reference.md"}


@pytest.mark.parametrize(
    "page",
    [
        "access",
        "compliance",
        "cost",
        "existing",
        "interpreter",
        "local-aws",
        "moving-from-the-l2",
        "network",
        "observability",
        "private-network",
        "sessions",
    ],
)
def test_a_page_begins_with_the_shortest_thing_that_works(repository: Path, page: str) -> None:
    beginning = (repository / "docs" / f"{page}.md").read_text().partition("\n\n")[2]
    assert beginning.startswith(("```python\n", "```console\n"))


def test_addresses_are_well_formed_and_of_hosts_that_facts_are_taken_from(
    repository: Path,
) -> None:
    sources = [
        path
        for folder in ("constructs", "lambda", "local", "examples")
        for path in (repository / folder).rglob("*.py")
    ]
    wrong: list[str] = []
    for path in [*documents(repository), *sources]:
        for url in URL.findall(path.read_text()):
            parts = urlsplit(url.rstrip(".,;:"))
            if "{" in parts.netloc:  # an f-string: an address of the local AWS
                continue
            page = parts.path.endswith((".html", "/", ".pdf", ".json")) or "." not in parts.path
            if parts.scheme != "https" or parts.netloc not in HOSTS or not page:
                wrong.append(f"{path.name}: {url}")
    assert wrong == []


def test_the_ledger_has_every_switch_of_the_local_aws_and_its_default(repository: Path) -> None:
    ledger = (repository / "docs" / "unknowns.md").read_text()
    for switch in dataclasses.fields(ServiceBehavior):
        if switch.name in ("create_seconds", "delete_seconds"):  # how long, not what
            continue
        default = getattr(switch.default, "value", switch.default)
        said = f'`"{default}"`' if isinstance(default, str) else f"{default:g}"
        if isinstance(default, bool):
            said = str(default).lower()
        assert re.search(rf"`{switch.name}` \({re.escape(said)}[,)]", ledger), switch.name


def documented(name: str) -> Any:
    return getattr(cdk_code_interpreter, name)


def public_callables(owner: Any) -> Iterator[tuple[str, Any, str]]:
    """Each public function of a class, its signature's owner, and its docstring."""
    if dataclasses.is_dataclass(owner):
        yield owner.__name__, owner, inspect.getdoc(owner) or ""
    for name, member in vars(owner).items():
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if name == "__init__" and not dataclasses.is_dataclass(owner):
            own = inspect.getdoc(function) or ""
            yield f"{owner.__name__}()", function, f"{inspect.getdoc(owner)}\n{own}"
        elif inspect.isfunction(function) and not name.startswith("_"):
            yield f"{owner.__name__}.{name}", function, inspect.getdoc(function) or ""


def undocumented(name: str, function: Any, text: str) -> Iterator[str]:
    """Arguments without a word, and optional ones without their default as behavior."""
    entries = dict(re.findall(r"^ {4}\*{0,2}(\w+): (.+(?:\n {8}.+)*)", text, flags=re.MULTILINE))
    for argument in inspect.signature(function).parameters.values():
        if argument.name == "self" or argument.name.startswith("_"):
            continue
        said = entries.get(argument.name)
        if said is None:
            yield f"{name}: {argument.name}"
        elif (
            argument.default is not inspect.Parameter.empty
            and "efault" not in said
            and "`None`" not in said
        ):
            yield f"{name}: the default of {argument.name}"


@pytest.mark.parametrize(
    "name",
    [each for each in cdk_code_interpreter.__all__ if not issubclass(documented(each), enum.Enum)],
)
def test_the_docstring_says_every_argument_and_its_default(name: str) -> None:
    owner = documented(name)
    # One argument that the function's own sentence is about needs no list.
    missing = [
        each
        for function_name, function, text in public_callables(owner)
        for each in undocumented(function_name, function, text)
        if len(inspect.signature(function).parameters) > 2
    ]
    assert missing == []


@pytest.mark.parametrize("name", cdk_code_interpreter.__all__)
def test_the_docstring_has_the_source_of_its_facts(name: str) -> None:
    owner = documented(name)
    texts = [inspect.getdoc(owner) or ""]
    texts += [text for _, _, text in public_callables(owner)]
    has_source = any(re.search(r"https://(docs\.)?aws", text) for text in texts)
    assert has_source != (name in WITHOUT_SOURCE)
