"""What the steps of a run hand to each other, and how a step tells what it does."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_registry import manifest
from models_registry.datasets.soundness import Finding
from models_registry.errors import RunFailed
from models_registry.models import TrainingRun
from models_registry.services import training
from models_registry.services.comparisons import HoldOut

Floats = NDArray[np.float32]
SHOWN_EVERY = 2.0  # seconds, or two per cent
LINES_KEPT = 200
LINE_LENGTH = 500


class RunLost(Exception):
    """The run belongs to another worker now, or was cancelled: stop without a trace."""


class RunWaits(Exception):
    """The run waits for somebody outside and needs no worker meanwhile; what arrives queues it again."""


@dataclass(slots=True)
class Workspace:
    """What the steps hand to each other. ``features`` has a row for each of ``described``, which numbers ``rows``."""

    run: TrainingRun
    lost: threading.Event
    header: manifest.ManifestHeader | None = None
    rows: list[manifest.ManifestRow] = field(default_factory=list)
    described: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    features: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    features_sha256: str = ""
    artifact_key: str = ""
    artifact_sha256: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    holdout: HoldOut | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        assert self.header is not None  # noqa: S101 - collect has run
        return self.header.classes

    def partition(self, name: str) -> NDArray[np.bool_]:
        return np.array([row.partition == name for row in self.rows], dtype=bool)

    def measures(self) -> NDArray[np.bool_]:
        """Which rows versions are compared on."""
        return np.array(manifest.measuring(self.rows), dtype=bool)

    def features_of(self, mask: NDArray[np.bool_]) -> Floats:
        """The features of the rows of ``mask``, (n, d); all of them must have been described."""
        place = np.full(len(self.rows), -1, dtype=np.int64)
        place[self.described] = np.arange(len(self.described))
        chosen = place[mask]
        assert (chosen >= 0).all()  # noqa: S101 - the features step describes what later steps ask for
        return np.asarray(self.features[chosen], dtype=np.float32)

    def labels(self) -> NDArray[np.str_]:
        return np.array([row.label for row in self.rows], dtype=np.str_)


@dataclass(slots=True)
class StepReport:
    """Progress of one step: written every two seconds or two per cent, with the end of its log."""

    workspace: Workspace
    name: str
    clock: Callable[[], datetime]
    checks: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    outputs_sha256: str = ""
    detail: str = ""
    curves: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    run_ended: bool = False  # with this step, whose row is written: the run is nobody's any more
    _shown: float = 0.0
    _shown_at: datetime | None = None

    def progress(self, share: float, detail: str) -> None:
        """:raises RunLost: the run is another worker's by now, or cancelled."""
        if self.workspace.lost.is_set():
            raise RunLost
        share, now = min(max(share, 0.0), 1.0), self.clock()
        long_ago = self._shown_at is None or (now - self._shown_at).total_seconds() >= SHOWN_EVERY
        if share - self._shown >= 0.02 or share >= 1 or long_ago:
            self._shown, self._shown_at = share, now
            told = {"detail": detail, "log": self.log, "curves": self.curves}
            training.update_step(self.workspace.run, self.name, progress=share, **told)

    def say(self, line: str) -> None:
        """A line of the log: the last two hundred stay."""
        self.lines.append(f"{self.clock():%H:%M:%S} {line[:LINE_LENGTH]}".replace("\x00", ""))
        del self.lines[:-LINES_KEPT]

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def check(self, name: str, passed: bool, detail: str, *, advice: str = "") -> None:
        """Record a check. ``advice`` says what to do. :raises RunFailed: it did not pass."""
        self.checks.append({"name": name, "passed": passed, "detail": detail if passed else _joined(detail, advice)})
        self.say(f"{name}: {'passed' if passed else 'failed'}. {detail}")
        if not passed:
            raise RunFailed(_joined(detail, advice))

    def look_at(self, found: Finding) -> None:
        """Record a question with what was measured and what is usual; it stops nothing."""
        self.checks.append(found.as_check())
        self.say(f"{found.name}: {'look at this' if found.worrying else 'fine'}. {found.detail}")

    def warn(self, name: str, worrying: bool, detail: str, *, advice: str = "") -> None:
        """Record what should be looked at but stops nothing: a check that passed, marked ``warning`` if worrying."""
        self.checks.append(
            {
                "name": name,
                "passed": True,
                "warning": worrying,
                "detail": _joined(detail, advice) if worrying else detail,
            }
        )
        self.say(f"{name}: {'look at this' if worrying else 'fine'}. {detail}")


def _joined(detail: str, advice: str) -> str:
    return f"{detail} {advice}".strip()


def digest(*parts: str | Mapping[str, Any]) -> str:
    """sha256 (hex) of what goes into a step."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update((part if isinstance(part, str) else repr(sorted(part.items()))).encode() + b"\0")
    return whole.hexdigest()
