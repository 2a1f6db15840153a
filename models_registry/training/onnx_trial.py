"""The child of `trial`: load an ONNX file as a server would, let it judge pictures made here, print what was found.

`python -m models_registry.training.onnx_trial PATH SHA256`. Memory and processor time are bounded.
"""

from __future__ import annotations

import io
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
from PIL import Image

from models_registry.training import onnx_model
from models_registry.training.errors import ArtifactError, TrainingDataError
from models_registry.training.trial import MEMORY, SECONDS, Outcome, Refusal, Trial

N_TIMED = 5


def try_out(path: Path, *, sha256: str) -> Trial:
    """Load it, let it judge several images at once and one by one. :raises ArtifactError: :raises TrainingDataError:"""
    model = onnx_model.load(path, expected_sha256=sha256)
    pictures = [_picture(seed) for seed in range(3)]
    model.predict_images(pictures)  # as a batch is judged; it warms up too
    seconds = []
    for number in range(N_TIMED):
        started = time.perf_counter()
        model.predict_images([pictures[number % len(pictures)]])
        seconds.append(time.perf_counter() - started)
    return Trial(list(model.classes), 1000 * median(seconds))


def _picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(64, 48, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def main(path: str, sha256: str) -> None:
    with suppress(ValueError):  # macOS has no limit of the address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        said = Outcome(trial=try_out(Path(path), sha256=sha256))
    except (ArtifactError, TrainingDataError) as error:
        said = Outcome(refused=Refusal(error.code, error.message))
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
