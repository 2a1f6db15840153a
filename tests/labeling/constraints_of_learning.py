"""Cases of what the database refuses of rounds of active learning (read by `test_constraints`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests import factories as make
from tests.breaking import Attempt, change, copy, without
from tests.labeling.constraints_of_versions import VERSIONS

Case = Callable[[], Attempt]


def random_pick() -> Any:
    return make.make_pick(arm="random", why="random", pi=0.1)


LEARNING: dict[str, list[Case]] = {
    **VERSIONS,
    "learninground_number_unique": [lambda: copy(make.make_round())],
    "learninground_one_queued": [lambda: copy(make.make_round(status="queued"), number=2)],
    "learninground_n_range": [
        lambda: change(make.make_round(), n_asked=0),
        lambda: change(make.make_round(), n_asked=501),
    ],
    "learninground_share_range": [
        lambda: change(make.make_round(), random_share=-0.1),
        lambda: change(make.make_round(), random_share=1.1),
        lambda: change(make.make_round(), random_share=float("nan")),
    ],
    "learninground_status_known": [lambda: change(make.make_round(), status="lost")],
    "learninground_method_known": [lambda: change(make.make_round(), method="luck")],
    "learninground_finished_at_iff_over": [
        lambda: change(make.make_round(), finished_at=None),
        lambda: change(make.make_round(status="queued"), finished_at=make.NOW),
    ],
    "learningpick_once_a_round": [lambda: copy(make.make_pick())],
    "learningpick_pi_iff_random": [
        lambda: change(make.make_pick(), pi=0.5),
        lambda: change(random_pick(), pi=None),
        lambda: change(random_pick(), pi=0),
        lambda: change(random_pick(), pi=1.1),
        lambda: without("learningpick_why_fits_its_arm", make.make_pick(), arm="luck"),
    ],
    "learningpick_why_fits_its_arm": [
        lambda: change(make.make_pick(), why="random"),
        lambda: change(random_pick(), why="outlier"),
        lambda: change(make.make_pick(), why="luck"),
    ],
    "learningpick_margin_range": [
        lambda: change(make.make_pick(), margin=-0.1),
        lambda: change(make.make_pick(), margin=1.1),
    ],
}
