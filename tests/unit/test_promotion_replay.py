"""What other promotion rules would have decided about comparisons that were made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from models_registry.policy.findings import Burden
from models_registry.policy.promotion_replay import Compared, replay_promotions
from tests.unit.test_policy import GUARDED, NOW, make_class, make_comparison

FINE = make_comparison(0.04, 0.01, one_class=make_class())
CLOSE = make_comparison(0.005, -0.02, one_class=make_class())
PAST = [
    Compared(3, NOW, "v3", "v2", CLOSE, None, "wait"),
    Compared(1, NOW - timedelta(days=9), "v1", "", None, None, "promote", first_accuracy=0.8),
    Compared(2, NOW - timedelta(days=5), "v2", "v1", FINE, None, "promote", burden=Burden(latency_ms=40.0)),
]


def test_every_comparison_is_decided_anew_in_order_of_time() -> None:
    same = replay_promotions(PAST, GUARDED)
    strict = replay_promotions(PAST, replace(GUARDED, min_first_accuracy=0.9, max_latency_ms=30.0))
    loose = replay_promotions(PAST, replace(GUARDED, margin=0.05))

    assert [one.compared.candidate for one in same.decisions] == ["v1", "v2", "v3"]
    assert (same.counts, same.n_other) == ({"promote": 2, "wait": 1, "refuse": 0}, 0)
    assert (strict.counts, strict.n_other) == ({"promote": 0, "wait": 1, "refuse": 2}, 2)
    assert "hold-out accuracy is 80.0 %" in strict.decisions[0].decision.reason.lower()
    assert (loose.counts["promote"], loose.n_other) == (3, 1)
    assert replay_promotions(PAST, replace(GUARDED, automatic=False)).counts["wait"] == 3
    assert replay_promotions([], GUARDED).decisions == ()
