"""The environment of a session's processes: clean, and the same whoever started the service."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from agentcore_local.service.processes import SESSION_VARIABLE

PROGRAMS = Path(sys.executable).parent
"""Where `python`, `pip`, `aws`, `deno` and `node` of this installation are."""


@dataclass(frozen=True)
class SessionFolders:
    """The folders of one session.

    Attributes:
        root: Holds the others, and goes with the session.
    """

    root: Path

    @property
    def work(self) -> Path:
        """The working directory: what the tools for files see."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """The home directory: no configuration of this machine's user is in it."""
        return self.root / "home"

    @property
    def packages(self) -> Path:
        """What `pip install` in the session installs."""
        return self.root / "packages"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.root / "tmp"

    @property
    def output(self) -> Path:
        """What commands print."""
        return self.root / "output"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.work, self.home, self.packages, self.temporary, self.output):
            folder.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.root, ignore_errors=True)


def find_program(name: str) -> str:
    """The program of this installation, or the first on the path.

    Raises:
        FileNotFoundError: There is none.
    """
    own = PROGRAMS / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"{name} was not found: install it with pip install 'cdk-code-interpreter[local]'"
        )
    return found


def session_environment(
    session: str,
    folders: SessionFolders,
    *,
    region: str | None,
    endpoint_url: str,
    owner: dict[str, str],
    packages_from_index: bool,
    credentials: tuple[str, str] | None,
) -> dict[str, str]:
    """The environment variables of a session's processes.

    Args:
        session: The session's id.
        folders: The session's folders.
        region: The region that the AWS CLI and SDKs use; None to let code name one.
        endpoint_url: Where they find this AWS.
        owner: The variables that mark whose process it is.
        packages_from_index: Whether pip may ask a package index; in the sandbox network the
            service cannot reach one.
        credentials: The URL that gives the execution role's credentials and the token for it;
            None for an interpreter without a role. They are read like those of a container, so
            they are renewed and are not in the environment themselves.
    """
    environment = {
        "PATH": os.pathsep.join([str(PROGRAMS), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folders.home),
        "TMPDIR": str(folders.temporary),
        "IPYTHONDIR": str(folders.home / ".ipython"),
        "MPLCONFIGDIR": str(folders.home / ".matplotlib"),
        "MPLBACKEND": "Agg",
        "DENO_DIR": str(folders.home / ".deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(folders.packages),
        "PIP_TARGET": str(folders.packages),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        SESSION_VARIABLE: session,
        **owner,
    }
    if region is not None:
        environment |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    if not packages_from_index:
        environment["PIP_NO_INDEX"] = "1"
    if credentials is not None:
        url, token = credentials
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token
    return environment
