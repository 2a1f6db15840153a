"""A trainer of kind "command": reads the manifest, learns, writes an ONNX file and says what it made.

    [trainers.pixels]
    kind = "command"
    command = ["/opt/trainers/bin/python", "/opt/trainers/command_trainer.py"]

It is called with three paths: the manifest, the folder to write to, and config.json with the seed and what the model's
configuration says. This one needs numpy, Pillow and onnx, and learns a linear classifier of grey pixels: enough to show
every line that a real one needs.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 24
STEPS = 200
Floats = NDArray[np.float64]


def main() -> None:
    manifest, output, settings = (Path(argument) for argument in sys.argv[1:4])
    told = json.loads(settings.read_text())
    header, *rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    classes = header["classes"]

    # images lie beside the manifest; nothing that is held out is among them
    pixels = np.stack([grey(manifest.parent / row["images"][0]) for row in rows])
    truth = np.array([classes.index(row["label"]) for row in rows])
    weights, bias = learn(pixels, truth, len(classes), seed=told["seed"])

    content = onnx_file(weights, bias, classes)
    (output / "model.onnx").write_bytes(content)
    right = float(((pixels @ weights + bias).argmax(axis=1) == truth).mean())
    result = {
        "artifact": "model.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "metrics": {"training_accuracy": right},
    }
    (output / "result.json").write_text(json.dumps(result))


def grey(path: Path) -> Floats:
    image = Image.open(path).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float64).ravel() / 255 - 0.5


def learn(pixels: Floats, truth: NDArray[np.int64], k: int, *, seed: int) -> tuple[Floats, Floats]:
    """Softmax regression by gradient descent. The same seed gives the same model."""
    weights, bias = np.random.default_rng(seed).normal(0, 0.01, (pixels.shape[1], k)), np.zeros(k)
    wanted = np.eye(k)[truth]
    for step in range(STEPS):
        raised = np.exp(pixels @ weights + bias)
        shares = raised / raised.sum(axis=1, keepdims=True)
        error = (shares - wanted) / len(pixels)
        weights -= 0.5 * (pixels.T @ error + 1e-3 * weights)
        bias -= 0.5 * error.sum(axis=0)
        if step % 20 == 19:  # lines of JSON move the bar and the curves on the run's page; others go to its log
            right = float((shares.argmax(axis=1) == truth).mean())
            told = {"loss": float(-np.log(shares[wanted > 0]).mean()), "accuracy": right}
            said = {"progress": (step + 1) / STEPS, "message": f"step {step + 1} of {STEPS}", "metrics": told}
            print(json.dumps(said), flush=True)  # noqa: T201 - this is how it is heard
    return weights, bias


def onnx_file(weights: Floats, bias: Floats, classes: list[str]) -> bytes:
    """The graph, and under "reviewapp" how images go in and what comes out."""
    shape: list[str | int | None] = ["n", 1, SIDE, SIDE]
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["images"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
        ],
        "pixels",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(classes)])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "weights"),
            numpy_helper.from_array(bias.astype(np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    declared = {"classes": classes, "height": SIDE, "width": SIDE, "channels": 1, "mean": [0.5], "output": "logits"}
    helper.set_model_props(model, {"reviewapp": json.dumps(declared)})
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
