"""How long the confusion matrix with all its intervals takes, from inspections that nobody summed up.

    python -m benchmarks.confusion [--quick]

100,000 settled inspections of 12 classes drawn with unequal chances, each a cell of its own; in production rollups hold
a few thousand cells. Beside it: the cost and the accuracy.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.printed import conclude, machine, percentiles
from models_registry.estimation import Cells, cells_of_items, estimate_accuracy
from models_registry.estimation.confusion import confusion, expected_cost

N_CLASSES = 12
FLOOR = 0.03


def make_cells(n: int, *, seed: int) -> Cells:
    """Cells of n inspections, all drawn and settled."""
    rng = np.random.default_rng(seed)
    true = rng.choice(N_CLASSES, n, p=rng.dirichlet(np.full(N_CLASSES, 3.0)))
    g = rng.beta(0.7, 4, n)
    return cells_of_items(
        predicted=np.where(rng.random(n) < g, rng.integers(0, N_CLASSES, n), true),
        true=true,
        pi=np.clip(0.3 * np.sqrt(g * (1 - g)), FLOOR, 1),
        floor_pi=np.full(n, FLOOR),
        is_certainty=np.zeros(n, dtype=bool),
        is_drawn=np.ones(n, dtype=bool),
        g=g,
    )


def seconds(work: Callable[[], object], *, rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def main(arguments: list[str]) -> int:
    is_quick = "--quick" in arguments
    n, rounds = (10_000, 3) if is_quick else (100_000, 9)
    cells, is_defect = make_cells(n, seed=1), np.arange(N_CLASSES) > 0
    prices = 10.0 - 10.0 * np.eye(N_CLASSES)
    print(machine())
    print(f"{n} settled inspections in {len(cells)} cells of {N_CLASSES} classes, {rounds} rounds")
    figures = percentiles(seconds(lambda: confusion(cells, is_defect=is_defect), rounds=rounds))
    figures["cost_p50_ms"] = percentiles(seconds(lambda: expected_cost(cells, prices), rounds=rounds))["p50_ms"]
    figures["accuracy_p50_ms"] = percentiles(seconds(lambda: estimate_accuracy(cells), rounds=rounds))["p50_ms"]
    return conclude("confusion", figures, {"p50_ms": 200.0})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
