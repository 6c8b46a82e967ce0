"""What apps of tests are made with."""

import inspect

from aws_cdk import App

VALIDATION = "builtin_cloud_formation_validation"
# The validation of templates has tests of its own; older versions of the CDK have none.
QUICK: dict[str, bool] = (
    {VALIDATION: False} if VALIDATION in inspect.signature(App.__init__).parameters else {}
)
