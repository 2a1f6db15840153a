"""An ONNX file is answered from when it says how it wants its images, and refused in words otherwise."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper
from PIL import Image

from models_registry.training import onnx_model
from models_registry.training.errors import ArtifactError, TrainingDataError

SIDE = 8
DECLARED = {"classes": ["ok", "dent"], "height": SIDE, "width": SIDE, "channels": 1, "output": "probabilities"}


def linear(weights: np.ndarray[Any, Any], *, softmax: bool = True, declared: Any = DECLARED) -> bytes:
    """Flatten -> Gemm (-> Softmax): what a file of a real exporter comes down to."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["raw"]),
    ]
    nodes += [helper.make_node("Softmax", ["raw"], ["scores"])] if softmax else []
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores" if softmax else "raw", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if declared is not None:
        text = declared if isinstance(declared, str) else json.dumps(declared)
        helper.set_model_props(model, {onnx_model.METADATA: text})
    return bytes(model.SerializeToString())


def loaded(folder: Path, content: bytes) -> onnx_model.OnnxModel:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return onnx_model.load(path, expected_sha256=hashlib.sha256(content).hexdigest())


def picture(grey: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), (grey, grey, grey)).save(stream, "PNG")
    return stream.getvalue()


BRIGHT_IS_OK = np.column_stack([np.full(SIDE * SIDE, 0.1), np.zeros(SIDE * SIDE)])


def test_images_go_in_as_declared_and_shares_come_out(tmp_path: Path) -> None:
    model = loaded(tmp_path, linear(BRIGHT_IS_OK))
    scores = model.predict_images([picture(255), picture(0)] * 20)  # more than a batch
    assert scores.shape == (40, 2)
    np.testing.assert_allclose(scores[0, 0], 1 / (1 + np.exp(-6.4)), atol=1e-4)
    np.testing.assert_allclose(scores[1], [0.5, 0.5])
    normalised = loaded(tmp_path, linear(BRIGHT_IS_OK, declared=DECLARED | {"mean": [1.0], "std": [0.5]}))
    np.testing.assert_allclose(normalised.predict_images([picture(255)])[0], [0.5, 0.5])


def test_logits_become_shares(tmp_path: Path) -> None:
    model = loaded(tmp_path, linear(BRIGHT_IS_OK, softmax=False, declared=DECLARED | {"output": "logits"}))
    np.testing.assert_allclose(model.predict_images([picture(255)])[0, 0], 1 / (1 + np.exp(-6.4)), atol=1e-4)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (None, "no metadata entry"),
        ("{", "metadata entry"),
        (DECLARED | {"classes": ["ok"]}, "length >= 2"),
        (DECLARED | {"classes": ["ok", "ok"]}, "listed twice"),
        (DECLARED | {"height": 100_000}, "<= 2048"),
        (DECLARED | {"std": [0.0]}, "above 0"),
        (DECLARED | {"mean": [0.1, 0.2]}, "one per channel"),
        (DECLARED | {"resize": "crop"}, "unknown field"),
    ],
)
def test_a_file_that_does_not_say_how_is_refused(tmp_path: Path, declared: Any, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        loaded(tmp_path, linear(BRIGHT_IS_OK, declared=declared))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArtifactError) as refused:
        loaded(tmp_path, content)
    assert refused.value.code in {"unreadable", "wrong_format"}


def test_weights_in_another_file_are_refused_before_that_file_is_read(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.ones((64, 2), dtype=np.float32), "w")
    external_data_helper.set_external_data(tensor, location="/etc/hostname")
    with pytest.raises(ArtifactError, match="other files"):
        loaded(tmp_path, linear(BRIGHT_IS_OK) + tensor.SerializeToString())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (linear(np.zeros((SIDE * SIDE, 3))), "expected"),
        (linear(np.full((SIDE * SIDE, 2), np.nan)), "finite"),
        (linear(BRIGHT_IS_OK, softmax=False), "sum to 1"),
    ],
)
def test_garbage_out_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(TrainingDataError, match=words):
        loaded(tmp_path, content).predict_images([picture(255)])


def test_a_tampered_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(linear(BRIGHT_IS_OK))
    with pytest.raises(ArtifactError, match="not the one"):
        onnx_model.load(tmp_path / "model.onnx", expected_sha256="0" * 64)
