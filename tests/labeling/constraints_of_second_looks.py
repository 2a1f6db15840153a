"""Cases of `test_constraints.py`: where verdicts are said, what is revealed, what is challenged, what shadows say."""

from __future__ import annotations

from collections.abc import Callable

from tests import factories as make
from tests.breaking import Attempt, change, copy

SECOND_LOOKS: dict[str, list[Callable[[], Attempt]]] = {
    "verdict_surface_known": [lambda: change(make.make_verdict(), surface="phone")],
    "verdict_grid_shows_the_prediction": [
        lambda: change(make.make_verdict(phase="blind"), surface="grid"),
        lambda: change(make.make_verdict(phase="shown", surface="grid"), phase="revealed"),
    ],
    "reveal_once_for_a_person": [lambda: copy(make.make_reveal())],
    "challenge_once_for_a_person": [lambda: copy(make.make_challenge())],
    "shadow_inspection_version_unique": [lambda: copy(make.make_shadow())],
    "shadow_confidence_0_to_1": [lambda: change(make.make_shadow(), confidence=1.01)],
    "shadow_label_or_problem": [
        lambda: change(make.make_shadow(), label=None),
        lambda: change(make.make_shadow(), problem="No image."),
        lambda: change(make.make_shadow(), label=None, scores=None, problem="No image."),
    ],
    "challenge_says_why": [lambda: change(make.make_challenge(), reason="")],
}
