"""A model as an ONNX file, run by onnxruntime (optional: requirements-onnx.txt).

The file says itself how it wants its images: its metadata entry ``reviewapp`` is JSON of `Declared`. Nothing of the
file is trusted: its size, its declarations, where its weights lie, what it answers and how long it takes are bounded.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models_registry.training.calibration import softmax
from models_registry.training.errors import ArtifactError, TrainingDataError

try:
    import onnxruntime
except ImportError:  # no ONNX here (requirements-onnx.txt)
    onnxruntime = None

Scores = NDArray[np.float64]
METADATA = "reviewapp"
MOST_BYTES = 512 * 2**20
BATCH = 32
RUN_SECONDS = 30.0
WEIGHTS_ELSEWHERE = b"\x0a\x08location"
"""How an entry begins that sends the runtime to another file for a tensor; such a file could be any on the server."""


ClassName = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How images go in and what comes out.

    An image is scaled to ``height`` x ``width``, to grey (1) or RGB (3), divided by 255, less ``mean``, by ``std`` (one
    number per channel). The output is (n, classes): ``probabilities`` that sum to 1, or ``logits``.
    """

    classes: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=120)]], msgspec.Meta(min_length=2, max_length=1000)
    ]
    height: Annotated[int, msgspec.Meta(ge=8, le=2048)]
    width: Annotated[int, msgspec.Meta(ge=8, le=2048)]
    channels: Literal[1, 3] = 3
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    output: Literal["probabilities", "logits"] = "probabilities"


@dataclass(frozen=True)
class OnnxModel:
    """A verified file, ready to answer."""

    classes: tuple[str, ...]
    declared: Declared
    session: Any
    input_name: str

    def predict_images(self, images: Iterable[bytes]) -> Scores:
        """Scores (n, k) for image files, rows summing to 1, in the order of ``classes``; 32 images at a time.

        :raises TrainingDataError: ``scores_refused``: not finite, not shares, another shape, or too slow. OSError: no
        image.
        """
        return self.predict_pictures(Image.open(io.BytesIO(data)) for data in images)

    def predict_pictures(self, images: Iterable[Image.Image]) -> Scores:
        """The same for opened images."""
        blocks = [self._run(np.stack([self._pixels(image) for image in batch])) for batch in _batches(images)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.classes)))

    def _pixels(self, image: Image.Image) -> NDArray[np.float32]:
        wanted = self.declared
        converted = image.convert("L" if wanted.channels == 1 else "RGB")
        scaled = converted.resize((wanted.width, wanted.height), Image.Resampling.BILINEAR)
        pixels = np.asarray(scaled, dtype=np.float32).reshape(wanted.height, wanted.width, wanted.channels) / 255
        pixels = (pixels - np.asarray(wanted.mean, dtype=np.float32)) / np.asarray(wanted.std, dtype=np.float32)
        return np.asarray(pixels.transpose(2, 0, 1) if wanted.layout == "NCHW" else pixels)

    def _run(self, batch: NDArray[np.float32]) -> Scores:
        with _deadline() as options:
            try:
                answered = self.session.run(None, {self.input_name: batch}, options)
            except Exception as error:  # the runtime's errors have no common class
                raise TrainingDataError("scores_refused", f"The ONNX model failed: {_words(error)}") from error
        return self._shares(np.asarray(answered[0], dtype=np.float64), len(batch))

    def _shares(self, raw: Scores, n: int) -> Scores:
        if raw.shape != (n, len(self.classes)):
            raise TrainingDataError(
                "scores_refused", f"The ONNX model answers {raw.shape}, {(n, len(self.classes))} is expected."
            )
        if not np.isfinite(raw).all():
            raise TrainingDataError("scores_refused", "The ONNX model answers what is no finite number.")
        shares = softmax(raw, 1.0) if self.declared.output == "logits" else raw
        if (shares < -1e-6).any() or not np.allclose(shares.sum(axis=1), 1, atol=1e-3):
            raise TrainingDataError("scores_refused", "The ONNX model's scores are no shares that sum to 1.")
        shares = np.clip(shares, 0, None)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def load(path: Path, *, expected_sha256: str, threads: int = 1) -> OnnxModel:
    """Read and check a file. :raises ArtifactError: with a code of its list."""
    if onnxruntime is None:
        raise ArtifactError("no_onnx", "ONNX models need onnxruntime: pip install -r requirements-onnx.txt.")
    content = _content(path, expected_sha256)
    session = _session(content, threads)
    declared = _declared(session.get_modelmeta().custom_metadata_map.get(METADATA))
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not outputs:
        raise ArtifactError("wrong_format", "The ONNX model takes one float tensor of images and gives scores.")
    return OnnxModel(tuple(declared.classes), declared, session, inputs[0].name)


def _content(path: Path, expected_sha256: str) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ArtifactError("too_large", f"The model file {path.name} has more than {MOST_BYTES // 2**20} MB.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError("missing", f"There is no model file {path.name}.") from error
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise ArtifactError("hash_mismatch", f"The model file {path.name} is not the one that was saved.")
    if WEIGHTS_ELSEWHERE in content:
        raise ArtifactError("wrong_format", "The ONNX model keeps weights in other files. Save it as one file.")
    return content


def _session(content: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ArtifactError("unreadable", f"onnxruntime cannot read the model file: {_words(error)}") from error


def _declared(said: str | None) -> Declared:
    if said is None:
        raise ArtifactError("wrong_format", f"The ONNX model has no metadata entry “{METADATA}” (docs/trainers.md).")
    try:
        declared = msgspec.json.decode(said, type=Declared)
    except msgspec.DecodeError as error:
        raise ArtifactError("wrong_format", f"The metadata entry “{METADATA}”: {error}.") from error
    for name, values in (("mean", declared.mean), ("std", declared.std)):
        if len(values) not in {1, declared.channels} or not np.isfinite(values).all():
            raise ArtifactError("wrong_format", f"“{name}” is one finite number, or one per channel.")
    if min(declared.std) <= 0 or len(set(declared.classes)) != len(declared.classes):
        raise ArtifactError("wrong_format", "“std” is above 0 and no class is listed twice.")
    return declared


def _batches(images: Iterable[Image.Image]) -> Iterator[Sequence[Image.Image]]:
    batch: list[Image.Image] = []
    for image in images:
        batch.append(image)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _deadline() -> Iterator[Any]:
    """Options of a run that is broken off when it takes too long."""
    options = onnxruntime.RunOptions()
    timer = threading.Timer(RUN_SECONDS, lambda: setattr(options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()


def _words(error: Exception) -> str:
    return f"{str(error).splitlines()[0][:300] if str(error) else type(error).__name__}"
