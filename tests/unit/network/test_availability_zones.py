"""Zone ids that the service supports."""

import pytest

from cdk_code_interpreter.network._availability_zones import supported_zone_ids


@pytest.mark.parametrize(
    ("zone_id", "supported"),
    [
        # The regions of the service's page in which not the first three zones are supported.
        ("use1-az6", ("use1-az1", "use1-az2", "use1-az4")),
        ("apne1-az3", ("apne1-az1", "apne1-az2", "apne1-az4")),
        ("cac1-az3", ("cac1-az1", "cac1-az2", "cac1-az4")),
        ("usgw1-az1", ("usgw1-az1", "usgw1-az2", "usgw1-az3")),
        # A local zone is a zone of its region.
        ("use1-bos1-az1", ("use1-az1", "use1-az2", "use1-az4")),
    ],
)
def test_the_id_of_a_zone_tells_which_ids_its_region_supports(
    zone_id: str, supported: tuple[str, ...]
) -> None:
    assert supported_zone_ids(zone_id) == supported


@pytest.mark.parametrize("zone_id", ["usw1-az1", "aps2-az1", "cnn1-az1", "", "eu-west-1a"])
def test_a_region_that_is_not_listed_is_not_judged(zone_id: str) -> None:
    assert supported_zone_ids(zone_id) == ()
