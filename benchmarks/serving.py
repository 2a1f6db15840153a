"""How fast the champion answers: one image after another as the line asks, and many at once.

    python -m benchmarks.serving [--data FOLDER] [--quick]

Built-in (texture features, scikit-learn) and ONNX (a small linear model: what decoding and the runtime cost), on the
128 x 128 images of X-SDD, in one process. From the bytes of a file to its scores; HTTP is measured by `ingest_api`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from benchmarks.printed import ROOT, conclude, machine, percentiles
from benchmarks.trainer import steel
from models_registry.training import features, onnx_model
from models_registry.training.trainer import fit

TARGETS = {"p95_ms": 80.0, "batch_per_s": 80.0, "onnx_p95_ms": 80.0, "onnx_batch_per_s": 80.0}
SIDE = 64
Score = Callable[[Sequence[bytes]], NDArray[np.float64]]


def builtin(images: Sequence[bytes], labels: Sequence[str]) -> Score:
    described = features.extract_many(features.read(io.BytesIO(data)) for data in images)
    model = fit(described, labels, classes=sorted(set(labels)), seed=1)
    return lambda asked: model.predict_scores(features.extract_many(features.read(io.BytesIO(data)) for data in asked))


def onnx(classes: Sequence[str], folder: Path) -> Score:
    weights = np.random.default_rng(0).normal(0, 0.01, (SIDE * SIDE * 3, len(classes))).astype(np.float32)
    shape: list[str | int | None] = ["n", 3, SIDE, SIDE]
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["images"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    said = {"classes": list(classes), "height": SIDE, "width": SIDE, "output": "logits"}
    helper.set_model_props(model, {onnx_model.METADATA: json.dumps(said)})
    content = model.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    return onnx_model.load(folder / "model.onnx", expected_sha256=hashlib.sha256(content).hexdigest()).predict_images


def measure(score: Score, images: Sequence[bytes], prefix: str) -> dict[str, float]:
    score(images[:1])  # warm
    seconds = []
    for image in images:
        started = time.perf_counter()
        score([image])
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    score(images)
    rate = len(images) / (time.perf_counter() - started)
    return {f"{prefix}{name}": value for name, value in percentiles(seconds).items()} | {
        f"{prefix}batch_per_s": round(rate, 1)
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How fast the champion answers.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    print(f"serving on {machine()}")
    found = list(steel(asked.data))[:: 20 if asked.quick else 3]
    if not found:  # without the photographs: noise of the same size
        rng = np.random.default_rng(0)
        found = [(str(n % 3), _noise(rng)) for n in range(30 if asked.quick else 270)]
    labels, images = [label for label, _ in found], [content for _, content in found]
    figures = measure(builtin(images, labels), images, "")
    with tempfile.TemporaryDirectory() as folder:
        figures |= measure(onnx(sorted(set(labels)), Path(folder)), images, "onnx_")
    return conclude("serving", figures, TARGETS)


def _noise(rng: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (128, 128), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
