"""IAM policy documents as templates hold them: their values, conditions, and whom they let in.

Nothing here imports the AWS CDK: constructs, rules and evidence ask the same procedures.
"""
