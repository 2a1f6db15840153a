"""A simulated production line: posts images to `predict`, knows the truth, tells the app nothing of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from labeling.demo.stream import DemoImage, DemoStream, inspection_id


@dataclass(slots=True)
class LineReport:
    """What really happened, by version: the figures that the app can only estimate."""

    n: Counter[str] = field(default_factory=Counter)
    n_right: Counter[str] = field(default_factory=Counter)
    n_refused: int = 0

    def as_dict(self) -> dict[str, object]:
        return {
            "refused": self.n_refused,
            "versions": {
                version: {"n": n, "true_accuracy": round(self.n_right[version] / n, 4)}
                for version, n in sorted(self.n.items())
            },
        }


class Line:
    """Posts images at a rate through the public API."""

    def __init__(self, *, base_url: str, api_key: str, model: str, stream: DemoStream) -> None:
        self.client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=30)
        self.model, self.stream, self.report = model, stream, LineReport()
        self.shift = time.strftime("%y%m%d%H%M%S", time.gmtime())

    def run(self, *, rate: float, n: int | None, stop: threading.Event, tell: Callable[[str], None]) -> LineReport:
        """Post ``rate`` images a second until ``n`` are through or ``stop`` is set. Falling behind is not caught up."""
        start = self._position()
        due = time.monotonic()
        for count, (position, image) in enumerate(itertools.islice(self.stream.from_position(start), n), start=1):
            self._post(position, image, tell)
            due = max(due + 1 / rate, time.monotonic() - 1)
            if stop.wait(max(0.0, due - time.monotonic())):
                break
            if count % 100 == 0:
                tell(self._summary())
        return self.report

    def _position(self) -> int:
        """Where the line goes on: after everything the app has seen."""
        return self._status("n_inspections")

    def n_reviews_open(self) -> int:
        """How much waits for a person."""
        return self._status("n_reviews_open")

    def _status(self, name: str) -> int:
        answer = self.client.get(f"/api/v1/models/{self.model}/")
        answer.raise_for_status()
        return int(answer.json()[name])

    def _post(self, position: int, image: DemoImage, tell: Callable[[str], None]) -> None:
        fields = {
            "inspection_id": inspection_id(position, image, shift=self.shift),
            "source": image.camera,
            "serial": f"S{position:06d}",
            "lot": f"{position // 500:04d}",
            "purpose": "demo",
        }
        try:
            answer = self.client.post(
                f"/api/v1/models/{self.model}/predict/",
                data=fields,
                files={"image": (image.key, image.path.read_bytes())},
            )
        except httpx.TransportError as error:
            tell(f"The line cannot reach the app: {error}. It tries again with the next part.")
            time.sleep(1)
            return
        self._count(answer, image, tell)

    def _count(self, answer: httpx.Response, image: DemoImage, tell: Callable[[str], None]) -> None:
        if answer.status_code not in {200, 201}:
            self.report.n_refused += 1
            tell(f"Refused ({answer.status_code}): {answer.text[:200]}")
            return
        said = answer.json()
        self.report.n[said["version"]] += 1
        self.report.n_right[said["version"]] += said["label"] == image.label

    def _summary(self) -> str:
        parts = [f"{v}: {self.report.n_right[v] / n:.1%} of {n} right" for v, n in sorted(self.report.n.items())]
        return "Line, true accuracy: " + ", ".join(parts)
