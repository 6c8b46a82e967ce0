"""What storms brought to light, each as a small test of its own."""

import pytest

from .variants import CHOICES
from .world import World


@pytest.fixture
def index_of(templates):
    """The template that differs from the first one in just these choices."""
    first = {name: values[0] for name, values in CHOICES.items()}

    def find(**choices) -> int:
        variants = [each["variant"] for each in templates]
        return variants.index({**first, **choices})

    return find


@pytest.mark.parametrize("minutes", [0, 60])
def test_a_failed_update_that_moves_a_drain_stops_no_session(
    world: World, index_of, minutes: int
) -> None:
    world.begin()
    # The interpreter is as old as its stack, by whichever clock.
    world.advance(minutes)
    world.deploy(index_of())
    world.open_sessions(0, world.outputs()["SandboxId"], 3)

    status = world.deploy(index_of(drain="BLOCK"), broken=True)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(world.sessions) <= set(world.ready())


def test_an_answer_that_comes_late_brings_no_log_group_back(world: World, index_of) -> None:
    world.begin()
    world.deploy(index_of())
    world.aws.inject("custom_resource_repeated", times=3)

    world.destroy()

    assert world.leftovers() == {}
