"""Where the code of the Lambda functions is, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

_PACKAGE = Path(__file__).resolve().parents[1]
# A wheel carries the folder inside the package; a checkout has it beside constructs/.
_PLACES = (_PACKAGE / "_lambda", _PACKAGE.parents[1] / "lambda")


def lambda_folder(function_package: str) -> Path:
    """The folder that holds a function's package.

    Args:
        function_package: Name of the package, such as ``session_manager``.

    Raises:
        FileNotFoundError: Neither place has it, as in a broken installation or a zipped one.
    """
    for place in _PLACES:
        if (place / function_package / "__init__.py").is_file():
            return place
    looked = " nor ".join(str(place / function_package) for place in _PLACES)
    raise FileNotFoundError(
        f"the code of the Lambda function {function_package!r} is neither in {looked}; install "
        "cdk-code-interpreter again with pip"
    )


def lambda_code(function_package: str) -> lambda_.Code:
    """A function's code as an asset that holds its package and nothing else.

    The handler is named from the folder's root, as in ``session_manager.drain.handler``, so
    that relative imports inside the package work.

    Args:
        function_package: Name of the package.

    Raises:
        FileNotFoundError: The code is not installed.
    """
    from aws_cdk import IgnoreMode
    from aws_cdk import aws_lambda as lambda_

    return lambda_.Code.from_asset(
        str(lambda_folder(function_package)),
        # The order matters. pip compiles on installation: with those files in it, the asset
        # would change with each installation.
        exclude=["*", f"!{function_package}", f"!{function_package}/**", "__pycache__", "*.pyc"],
        ignore_mode=IgnoreMode.GLOB,
    )
