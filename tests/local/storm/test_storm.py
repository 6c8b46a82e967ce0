"""Random sequences of deployments, sessions and faults end in a sane state, whatever the order."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Storm
from .world import World

# `make storm` sets these. A failure is not made smaller: what went wrong under faults seldom goes
# wrong twice, so it tells its own story.
EXAMPLES = int(os.environ.get("STORM_EXAMPLES", "0"))
SEED = int(os.environ.get("STORM_SEED", "0"))
SHARDS = int(os.environ.get("STORM_SHARDS", "1"))
TALLY = os.environ.get("STORM_TALLY")
# Without them one life each of these. 2: the CDK CLI, several agents, a retained interpreter that
# is replaced; 22: failed updates, events that come three times; 50: a janitor that enforces, a
# drain that blocks, throttles.
SHORT_SEEDS = [2, 22, 50]
SEEDS = [SEED + shard for shard in range(SHARDS)] if EXAMPLES else SHORT_SEEDS


@pytest.mark.timeout(4 * 3600 if EXAMPLES else 600)
@pytest.mark.parametrize("first", SEEDS)
def test_a_storm_leaves_every_invariant_whole(first: int, world: World) -> None:
    options = settings(
        max_examples=-(-EXAMPLES // SHARDS) or 1,
        derandomize=False,
        stateful_step_count=10 if EXAMPLES else 8,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @seed(first)
    def machine() -> Storm:
        _tell(first, world)
        return Storm(world)

    try:
        run_state_machine_as_test(machine, settings=options)
    finally:
        _tell(first, world)


def _tell(first: int, world: World) -> None:
    """Let who runs the storm see how far it is; in one step, as it is read at any time."""
    if TALLY:
        file = Path(TALLY, f"{first}.json")
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(world.tally))
        draft.replace(file)
