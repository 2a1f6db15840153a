"""From evidence to a level, and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models_registry.estimation.silence import Answered
from models_registry.estimation.watching import Watched, feed_watched, start_watching


def started(**fields: float | None) -> Watched:
    return start_watching(**{"limit": 0.01, "accepted": None, "floor_pi": 0.05, "run_length": 1e6, **fields})  # type: ignore[arg-type]


def fed(watched: Watched, *, zeros: int = 0, phi: float = 0.0, times: int = 1, k: int = 1) -> Watched:
    for _ in range(times):
        watched = feed_watched(watched, n_zeros_before=zeros, phi=phi, floor_pi=0.05, n_together=k)
    return watched


LEVELS = (("critical", 100.0), ("alert", 20.0), ("watch", 5.0), ("ok", 0.0))


def test_evidence_leads_from_ok_over_watch_and_alert_to_critical() -> None:
    watched, seen = started(), ["ok"]
    for _ in range(100):
        watched = fed(watched, zeros=150, phi=4.0)
        assert watched.level == next(name for name, least in LEVELS if watched.evidence >= least)
        if watched.level != seen[-1]:
            seen.append(watched.level)
    assert seen == ["ok", "watch", "alert", "critical"]


def test_five_monitors_together_each_need_five_times_the_evidence() -> None:
    alone, together = started(), started()
    while alone.level not in {"alert", "critical"}:
        alone = fed(alone, zeros=60, phi=20.0)
    while together.level not in {"alert", "critical"}:
        together = fed(together, zeros=60, phi=20.0, k=5)
    assert alone.evidence >= 20
    assert together.evidence >= 100
    assert together.cause == "limit"


def test_an_alarm_outlasts_the_evidence_and_ends_by_evidence_for_the_other_side() -> None:
    alarmed = fed(started(), zeros=20, phi=20.0, times=12)
    assert alarmed.level == "critical"
    calm = fed(alarmed, zeros=2_000)
    assert calm.level == "critical"
    levels = []
    for _ in range(2_000):
        calm = fed(calm, zeros=9)
        levels.append((calm.level, calm.cause))
    assert levels[-1] == ("ok", "recovered")
    assert calm.recovery is None
    assert 0 < calm.evidence <= 1.0


def test_a_false_recovery_from_an_alarm_happens_in_at_most_1_of_20_streams_however_many_errors_follow() -> None:
    rng, recovered = np.random.default_rng(12), 0
    for _ in range(150):
        watched, n = fed(started(), zeros=20, phi=20.0, times=3), 0
        assert watched.level in {"alert", "critical"}
        while n < 40_000 and watched.recovery is not None:
            zeros = int(rng.geometric(0.01 / 20)) - 1  # exactly at the limit
            watched, n = fed(watched, zeros=zeros, phi=20.0), n + zeros + 1
        recovered += watched.recovery is None
    assert recovered / 150 <= 0.05 + 0.018


def test_what_is_watched_falls_back_when_nothing_speaks_for_harm_any_more() -> None:
    watched = started()
    for _ in range(30):
        watched = watched if watched.evidence >= 5 else fed(watched, zeros=150, phi=4.0)
    assert watched.level == "watch"
    assert fed(watched, zeros=10).level == "watch"
    assert fed(watched, zeros=5_000).level == "ok"


def test_a_sudden_rise_rings_where_nobody_set_a_limit() -> None:
    watched = started(limit=None, accepted=0.01, run_length=10_000)
    watched = fed(watched, zeros=1_000_000)
    assert watched.level == "ok"
    risen = fed(watched, zeros=60, phi=20.0, times=20)
    assert (risen.level, risen.cause) == ("alert", "change")
    recovered = fed(risen, zeros=100_000)
    assert (recovered.level, recovered.cause) == ("ok", "recovered")
    assert fed(recovered, zeros=10).level == "ok"


def test_a_look_at_every_error_alarms_falsely_in_at_most_1_of_20_streams() -> None:
    rng, alarmed = np.random.default_rng(11), 0
    for _ in range(150):
        watched, n = started(), 0
        while n < 20_000 and watched.level in {"ok", "watch"}:
            zeros = int(rng.geometric(0.01 / 20)) - 1
            watched, n = fed(watched, zeros=zeros, phi=20.0), n + zeros + 1
        alarmed += watched.level in {"alert", "critical"}
    assert alarmed / 150 <= 0.05 + 0.018


def test_what_is_kept_as_json_comes_back_to_the_bit() -> None:
    watched = fed(started(accepted=0.003), zeros=20, phi=20.0, times=12)
    assert watched.recovery is not None
    assert Watched.of_json(json.loads(json.dumps(watched.as_json()))) == watched


def test_nothing_to_watch_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a limit"):
        start_watching(limit=None, accepted=None, floor_pi=0.1, run_length=1e6)
    with pytest.raises(ValueError, match="needs a limit"):
        start_watching(limit=0.1, accepted=None, floor_pi=0.1, run_length=0.5)


def test_while_everything_is_answered_pi_stays_what_it_was() -> None:
    answered = Answered()
    assert answered.share("ok", weight=20.0) == 1.0
    for _ in range(50):
        answered.note("ok", weight=20.0, answered=True)
    assert answered.share("ok", weight=20.0) == 1.0


def test_an_error_weighs_more_where_half_was_never_answered() -> None:
    answered = Answered()
    for number in range(40):
        answered.note("ok", weight=10.0, answered=number % 2 == 0)
        answered.note("dent", weight=1.0, answered=True)
    assert answered.share("ok", weight=10.0) == pytest.approx(21 / 41)
    assert answered.share("dent", weight=1.0) == 1.0
    # a cell of which little is known takes the share over all: 240 of 440, and itself
    assert answered.share("scratch", weight=10.0) == pytest.approx(250 / 450)
    assert Answered(json.loads(json.dumps(answered.as_json()))).share("ok", weight=10.0) == pytest.approx(21 / 41)


def test_where_nothing_was_ever_answered_the_share_is_small_and_not_zero() -> None:
    answered = Answered()
    for _ in range(30):
        answered.note("ok", weight=10.0, answered=False)
    assert answered.share("ok", weight=10.0) == pytest.approx(1 / 31)
