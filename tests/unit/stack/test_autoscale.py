"""The autoscaler: quickly up, slowly down, and no change to and fro."""

from __future__ import annotations

import pytest

from deploy.scaling.autoscale import Scaler, waiting


def run(scaler: Scaler, depths: list[int], replicas: int = 1) -> list[int]:
    """The replicas after each look."""
    found = []
    for depth in depths:
        replicas = scaler.wanted(depth, replicas)
        found.append(replicas)
    return found


def test_it_goes_up_when_more_waits_twice_than_all_can_take() -> None:
    assert run(Scaler(), [50, 50]) == [1, 2]
    assert run(Scaler(), [50, 0, 50, 0, 50]) == [1] * 5
    assert run(Scaler(), [4] * 10) == [1] * 10, "one round is waiting: that is what its slots are for"


def test_it_at_most_doubles_waits_for_what_it_started_and_stops_at_the_most() -> None:
    found = run(Scaler(most=6, settling=4), [100] * 14)
    assert found == [1, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6, 6]


def test_it_goes_down_one_at_a_time_after_a_long_quiet() -> None:
    found = run(Scaler(looks_down=5, settling=2), [0] * 16, replicas=4)
    assert found == [4] * 4 + [3] * 5 + [2] * 5 + [1] * 2


def test_a_depth_that_comes_and_goes_changes_nothing() -> None:
    scaler = Scaler(looks_down=6)
    assert run(scaler, [0, 0, 0, 1, 0, 0, 3, 9, 0, 0] * 20, replicas=3) == [3] * 200


def test_replicas_outside_of_the_limits_are_corrected() -> None:
    assert run(Scaler(least=2), [1], replicas=1) == [2]
    assert run(Scaler(most=3), [1], replicas=9) == [3]


def test_it_reads_the_metrics_of_coordinators_and_of_a_federation() -> None:
    of_a_coordinator = """\
# TYPE podcast_queue_messages gauge
podcast_queue_messages{part="ready",queue="chunker"} 3.0
podcast_queue_messages{part="ready",queue="synthesizer"} 12.0
podcast_queue_messages{part="dead",queue="synthesizer"} 40.0
"""
    federated = (
        'podcast_queue_messages{instance="a",job="podcast",part="ready",queue="synthesizer"} 1.1e+01 1795892944000\n'
        'podcast_queue_messages{instance="b",job="podcast",part="ready",queue="synthesizer"} 12 1795892944000\n'
    )
    assert waiting(of_a_coordinator, "synthesizer") == waiting(federated, "synthesizer") == 12
    with pytest.raises(ValueError, match="is a coordinator among the metrics"):
        waiting("up 1\n", "synthesizer")
