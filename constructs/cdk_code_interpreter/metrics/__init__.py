"""CloudWatch metrics of a code interpreter."""
