"""Have an ONNX file tried in a process of its own, before a server takes it: what it breaks, it breaks there alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from models_registry.training.errors import ArtifactError

MEMORY = 6 * 2**30
SECONDS = 90
ROOT = Path(__file__).resolve().parents[2]
CHILD = "models_registry.training.onnx_trial"


class Trial(msgspec.Struct, frozen=True):
    """What a file said of itself, and the median milliseconds that it took for one image."""

    classes: list[str]
    latency_ms: float


class Refusal(msgspec.Struct, frozen=True):
    code: str
    message: str


class Outcome(msgspec.Struct, frozen=True):
    """What the child prints, one of the two."""

    trial: Trial | None = None
    refused: Refusal | None = None


def try_apart(path: Path, *, sha256: str) -> Trial:
    """`onnx_trial.try_out` in a child. :raises ArtifactError: in the child's words, or for what it needed.

    Codes beside those of the list: `too_slow`, `broke_down`, `scores_refused`.
    """
    command = [sys.executable, "-m", CHILD, str(path.resolve()), sha256]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ArtifactError("too_slow", f"The ONNX model did not judge a few images within {SECONDS} s.") from error
    try:
        said = msgspec.json.decode(ended.stdout.splitlines()[-1], type=Outcome)
    except (msgspec.DecodeError, IndexError) as error:
        raise ArtifactError(
            "broke_down",
            f"The ONNX model broke the process that tried it (exit {ended.returncode}). It may use {MEMORY // 2**30} "
            f"GB and {SECONDS} s.",
        ) from error
    if said.refused is not None:
        raise ArtifactError(said.refused.code, said.refused.message)
    assert said.trial is not None  # noqa: S101 - one of the two
    return said.trial
