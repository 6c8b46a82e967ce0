"""Random sequences of deployments, sessions and faults end in a sane state, whatever the order."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Storm
from .world import World

# `make storm` sets these; without them the few examples are the same in every run. A failure is not
# made smaller: what went wrong under faults seldom goes wrong twice, so it tells its own story.
EXAMPLES = int(os.environ.get("STORM_EXAMPLES", "0"))
SEED = int(os.environ.get("STORM_SEED", "0"))
SHARDS = int(os.environ.get("STORM_SHARDS", "1"))
TALLY = os.environ.get("STORM_TALLY")
SHORT_EXAMPLES = 3


@pytest.mark.timeout(4 * 3600 if EXAMPLES else 600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_storm_leaves_every_invariant_whole(shard: int, world: World) -> None:
    options = settings(
        max_examples=-(-EXAMPLES // SHARDS) or SHORT_EXAMPLES,
        derandomize=not EXAMPLES,
        stateful_step_count=10 if EXAMPLES else 8,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def machine() -> Storm:
        _tell(shard, world)
        return Storm(world)

    if EXAMPLES:
        machine = seed(SEED + shard)(machine)
    try:
        run_state_machine_as_test(machine, settings=options)
    finally:
        _tell(shard, world)


def _tell(shard: int, world: World) -> None:
    """Let who runs the storm see how far it is; in one step, as it is read at any time."""
    if TALLY:
        file = Path(TALLY, f"{shard}.json")
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(world.tally))
        draft.replace(file)
