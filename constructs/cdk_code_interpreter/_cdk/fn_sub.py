"""Long texts with tokens in them, as one `Fn::Sub`.

CDK would cut such a text at each token and join the pieces, and would resolve a token as often as
it stands there: that takes long for a dashboard, whose body names its interpreter a hundred times.
"""

from __future__ import annotations

import re

from aws_cdk import Fn

# What stands for a token in a text, such as `${Token[AWS.Region.4]}` or `${Token[TOKEN.123]}`, or
# what CloudFormation would take for the beginning of a variable.
_DOLLAR = re.compile(r"\$\{(?:Token\[([A-Za-z0-9:._-]+)\]\})?")
_PSEUDO_PARAMETER = re.compile(r"AWS\.([A-Za-z]+)\.\d+")


def substituted(text: str) -> str:
    """A text as one token, in which each token of the text is resolved once.

    Args:
        text: The text. What looks like a variable of `Fn::Sub` without being a token stays as it
            is.
    """
    if "${" not in text:
        return text
    # Numbered by their first use: a token's own number differs from run to run.
    names: dict[str, str] = {}

    def variable(found: re.Match[str]) -> str:
        token = found[1]
        if token is None:
            return "${!"
        pseudo = _PSEUDO_PARAMETER.fullmatch(token)
        if pseudo is not None:
            return f"${{AWS::{pseudo[1]}}}"
        return f"${{{names.setdefault(found[0], f'Value{len(names) + 1}')}}}"

    body = _DOLLAR.sub(variable, text)
    return Fn.sub(body, {name: token for token, name in names.items()} or None)
