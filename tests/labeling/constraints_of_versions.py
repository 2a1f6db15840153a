"""Cases of `test_constraints.py`: canaries, and draws that compare versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests import factories as make
from tests.breaking import Attempt, change, copy


def canary(**fields: Any) -> Any:
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    return make.make_canary(candidate=candidate, champion=champion, **fields)


def against_itself() -> Attempt:
    row = canary()
    return change(row, champion=row.candidate)


def shadow_design(**fields: Any) -> Any:
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    return make.make_shadow_design(candidate=candidate, champion=champion, **fields)


def compared_with_itself() -> Attempt:
    row = shadow_design()
    return change(row, champion=row.candidate)


def shadow_draw(**fields: Any) -> Any:
    return make.make_shadow_draw(design=shadow_design(), **fields)


VERSIONS: dict[str, list[Callable[[], Attempt]]] = {
    "canary_one_runs": [lambda: copy(canary())],
    "canary_two_versions": [against_itself],
    "canary_share_range": [lambda: change(canary(), lot_share=0), lambda: change(canary(), lot_share=1.01)],
    "canary_reason_said": [lambda: change(canary(), reason="")],
    "canary_outcome_iff_ended": [
        lambda: change(canary(), ended_at=make.NOW),
        lambda: change(canary(), outcome="stopped"),
        lambda: change(canary(), ended_at=make.NOW, outcome="lost"),
    ],
    "canarylot_decided_once": [lambda: copy(make.make_canary_lot(canary=canary()))],
    "canarylot_named": [lambda: change(make.make_canary_lot(canary=canary()), lot="")],
    "shadowdesign_one_draws_of_a_candidate": [lambda: copy(shadow_design())],
    "shadowdesign_two_versions": [compared_with_itself],
    "shadowdesign_budget_range": [lambda: change(shadow_design(), budget=0), lambda: change(shadow_design(), budget=2)],
    "shadowdesign_counts_in_order": [
        lambda: change(shadow_design(), n_disagree=1),
        lambda: change(shadow_design(), sum_doubt=-1),
    ],
    "shadowdesign_ends_after_start": [
        lambda: change(shadow_design(), ended_at=make.NOW - timedelta(days=1)),
    ],
    "shadowdraw_once_per_design": [lambda: copy(shadow_draw())],
    "shadowdraw_pi_range": [lambda: change(shadow_draw(u=0.9), pi=0), lambda: change(shadow_draw(), pi=1.1)],
    "shadowdraw_u_range": [lambda: change(shadow_draw(), u=-0.1), lambda: change(shadow_draw(u=0.9), u=1)],
    "shadowdraw_thinning_range": [lambda: change(shadow_draw(), thinning=0), lambda: change(shadow_draw(), thinning=2)],
    "shadowdraw_as_thrown": [lambda: change(shadow_draw(), drawn=False), lambda: change(shadow_draw(), u=0.9)],
}
