"""Features of images from scratch and from the cache, and a full retraining on 5,000 cached images.

    python -m benchmarks.features [--data FOLDER] [--quick]

An own PostgreSQL, the service that runs use, real photographs: 816 of steel (128 x 128) for the extraction, 5,000 of
solar modules for the rest. The peer of the extraction is one thread of the same run. The fit is one thread that waits
for nothing, so its seconds are the processor's: neighbours on the machine are not its own.
"""

import argparse
import hashlib
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import django
import numpy as np
from django.core.management import call_command
from django.utils import timezone

from benchmarks.printed import ROOT, conclude, machine
from benchmarks.trainer import infrared, steel
from models_registry.training.features import extract, read
from models_registry.training.trainer import fit
from reviewapp.embedded.running import running

TARGETS = {"features_per_s": 80.0, "cached_per_s": 20_000.0, "retrain_5000_seconds_at_most": 60.0}
Labelled = list[tuple[str, bytes]]


def sources(images: Labelled) -> list[tuple[str, Callable[[], io.BytesIO]]]:
    return [(hashlib.sha256(content).hexdigest(), partial(io.BytesIO, content)) for _, content in images]


def measure(folder: Path, *, quick: bool) -> dict[str, float]:
    """With Django set up and migrated. Exact repeats among the images are made once and counted once."""
    features_of: Any = import_module("models_registry.services.image_features").features_of
    now = timezone.now()
    photos = take(steel(folder), 60 if quick else 816)
    seconds, _ = timed(lambda: features_of(sources(photos), now=now))
    one_thread, _ = timed(lambda: [extract(read(io.BytesIO(content))) for _, content in photos[:100]])
    figures = {
        "features_per_s": round(len(photos) / seconds, 1),
        "one_thread_per_s": round(min(100, len(photos)) / one_thread, 1),
    }
    modules = take(infrared(folder, 200 if quick else 5000), 5000)
    asked, labels = sources(modules), np.array([label for label, _ in modules])
    features_of(asked, now=now)
    cached = [timed(lambda: features_of(asked, now=now)) for _ in range(5)]
    figures["cached_per_s"] = round(len(asked) / median(seconds for seconds, _ in cached))
    reading, known = timed(lambda: features_of(asked, now=now))
    before = time.process_time()
    seconds, _ = timed(lambda: fit(known, labels, classes=("ok", "anomaly"), seed=1))
    figures["retrain_5000_seconds_at_most"] = round(reading + seconds, 1)
    figures["retrain_5000_cpu_seconds"] = round(reading + time.process_time() - before, 1)
    return figures


def take(images: Iterator[tuple[str, bytes]], most: int) -> Labelled:
    return [one for one, _ in zip(images, range(most), strict=False)]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every target is met, 1 when one is missed, 2 without the data."""
    parser = argparse.ArgumentParser(description="Speed of features, their cache, and a retraining.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the public data")
    parser.add_argument("--quick", action="store_true", help="few images: a smoke run")
    chosen = parser.parse_args(arguments)
    if not (chosen.data / "images" / "xsdd_steel").is_dir():
        print("The public data (images/xsdd_steel) is not in the folder given by --data: nothing was measured.")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="reviewapp-bench-"))
    try:
        with running(folder, durable=True) as engines:
            os.environ |= {
                "DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url, "REVIEWAPP_VAR": str(folder),
                "DJANGO_SETTINGS_MODULE": "reviewapp.settings", "REVIEWAPP_LOG_LEVEL": "ERROR",
            }  # fmt: skip
            django.setup()
            call_command("migrate", verbosity=0)
            print(machine())
            return conclude("features", measure(chosen.data, quick=chosen.quick), TARGETS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
