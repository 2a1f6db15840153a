"""How often a candidate that is no better becomes champion: 2,000 simulated comparisons through the product's decision.

    python -m benchmarks promotion [--quick] [--simulations 2000]

Two models of equal accuracy judge the same stream; people look at what the champion doubts (5 % of 20,000 parts, half
of them by chance alone), and the verdicts go through the weighted comparison and `decide_promotion`. Wrong is:
promoted as better (the policy that asks for superiority) though equally good, and promoted at all though worse by the
margin that the policy allows. McNemar's test on the same verdicts, unweighted, stands beside.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from benchmarks.printed import conclude, machine
from models_registry.comparison import compare_paired, mcnemar
from models_registry.policy import PromotionRules, decide_promotion

N = 20_000
BUDGET, TAU = 0.05, 0.5
PREVALENCE, SHARPNESS = 0.10, 3.0
SAME = 0.5  # correlation of what the two see
MARGIN = 0.01
TARGETS = {"wrongly_better_at_most": 0.05, "worse_promoted_at_most": 0.05}
LABELS = np.array(["ok", "defect"])
CLASSES = ("ok", "defect")


@dataclass(frozen=True)
class Judged:
    """Arrays (n,): the truth, what each says, and the chance with which people look."""

    truth: NDArray[np.str_]
    champion: NDArray[np.str_]
    challenger: NDArray[np.str_]
    pi: NDArray[np.float64]


def rules(*, superiority: bool) -> PromotionRules:
    """The defaults of a policy that promotes by itself, but for the guard of classes."""
    return PromotionRules(
        automatic=True, margin=MARGIN, require_superiority=superiority, class_margin=1.0, min_items=30,
        min_first_accuracy=None,
    )  # fmt: skip


def judge(rng: np.random.Generator, *, worse_by: float = 0.0) -> Judged:
    """A stream that both have judged. `worse_by`: share of parts that the challenger gets wrong on top."""
    is_defect = rng.random(N) < PREVALENCE
    common = rng.standard_normal(N)
    seen = [
        np.sqrt(SAME) * common + np.sqrt(1 - SAME) * rng.standard_normal(N) + SHARPNESS * is_defect for _ in range(2)
    ]
    champion, challenger = (special.expit(SHARPNESS * z - SHARPNESS**2 / 2 + special.logit(PREVALENCE)) for z in seen)
    says = challenger >= 0.5
    if worse_by:
        right = says == is_defect
        says = np.where(right & (rng.random(N) < worse_by / right.mean()), ~says, says)
    g = np.minimum(champion, 1 - champion)
    u = np.sqrt(g * (1 - g))
    pi = np.clip(TAU * BUDGET + (1 - TAU) * BUDGET * u / u.mean(), TAU * BUDGET, 1.0)
    drawn = rng.random(N) < pi
    truth, before, now = (LABELS[side.astype(int)][drawn] for side in (is_defect, champion >= 0.5, says))
    return Judged(truth, before, now, pi[drawn])


def promotes(judged: Judged, wanted: PromotionRules) -> bool:
    compared = compare_paired(judged.truth, judged.champion, judged.challenger, judged.pi, classes=CLASSES)
    return decide_promotion(compared, wanted, has_champion=True).outcome == "promote"


def mcnemar_prefers(judged: Judged) -> bool:
    """The unweighted test finds the two different, and the challenger ahead: 5 % two-sided."""
    old, new = judged.champion != judged.truth, judged.challenger != judged.truth
    fixed, broken = int((old & ~new).sum()), int((new & ~old).sum())
    return fixed > broken and mcnemar(n_fixed=fixed, n_broken=broken) <= 0.05


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks promotion")
    parser.add_argument("--quick", action="store_true", help="100 simulations")
    parser.add_argument("--simulations", type=int, default=2000)
    options = parser.parse_args(arguments)
    n = 100 if options.quick else options.simulations
    print(machine())
    print(f"{n} simulations of {N:,} parts, some {N * BUDGET:,.0f} verdicts each")
    equal = [judge(np.random.default_rng([1, seed])) for seed in range(n)]
    worse = [judge(np.random.default_rng([2, seed]), worse_by=MARGIN) for seed in range(n)]
    as_better, as_no_worse = rules(superiority=True), rules(superiority=False)
    wrongly_better = sum(promotes(one, as_better) for one in equal)
    figures = {
        "wrongly_better_at_most": wrongly_better / n,
        "worse_promoted_at_most": sum(promotes(one, as_no_worse) for one in worse) / n,
        "equal_by_default_policy": sum(promotes(one, as_no_worse) for one in equal) / n,
        "mcnemar_unweighted": sum(mcnemar_prefers(one) for one in equal) / n,
    }
    low, high = stats.binomtest(wrongly_better, n).proportion_ci(method="wilson")
    print(f"wrongly better: {wrongly_better} of {n}, 95 % interval {low:.1%} to {high:.1%}")
    return conclude("promotion", {name: round(value, 4) for name, value in figures.items()}, TARGETS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
