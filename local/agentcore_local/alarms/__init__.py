"""CloudWatch's alarms and metric math for the local AWS, by a clock that tests can move.

MiniStack's own alarms ignore dimensions and missing data and know no expressions. Here a wrong
dimension, period or expression shows, as it would on AWS.
"""
