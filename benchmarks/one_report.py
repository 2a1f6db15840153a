"""Times a report on one model: its accuracy, the confusion matrix with all intervals, and the slices by camera."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import django

django.setup()

from benchmarks.printed import percentiles  # noqa: E402 - Django first
from labeling.windows import Window, slice_cells, window_cells  # noqa: E402
from models_registry.estimation import estimate_accuracy  # noqa: E402
from models_registry.estimation.confusion import confusion  # noqa: E402
from models_registry.models import ModelVersion  # noqa: E402


def main(slug: str) -> None:
    version = ModelVersion.objects.get(registered_model__slug=slug)
    window = Window.of_days(28, now=datetime.now(UTC))
    times = []
    for _ in range(31):
        start = time.perf_counter()
        found = window_cells(version, window)
        estimate = estimate_accuracy(found.cells)
        confusion(found.cells, is_defect=found.is_defect)
        slice_cells(version, window, "source")
        times.append(time.perf_counter() - start)
    said = {"n": estimate.n, "n_arrived": estimate.n_arrived, "n_cells": len(found.cells)}
    print(json.dumps({**said, **percentiles(times[1:])}))


if __name__ == "__main__":
    main(sys.argv[1])
