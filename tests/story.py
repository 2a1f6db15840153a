"""The demo plant in a test: real images (or generated ones), real doors, a real worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from labeling.demo.inspectors import Inspector
from labeling.demo.line import Line, LineReport
from labeling.demo.setup import create_demo
from labeling.demo.stream import DemoStream
from labeling.demo.surfaces import write_folder
from labeling.models import Review

REAL_IMAGES = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "images" / "xsdd_steel"


def image_folder(tmp_path: Path, *, count: int) -> Path:
    """The real steel images when they are at hand, else generated surfaces. Says which."""
    if REAL_IMAGES.is_dir():
        print("on real images: xsdd_steel")  # noqa: T201 - a test says what it ran on
        return REAL_IMAGES
    print("shared/data is not there: on generated surfaces")  # noqa: T201
    write_folder(tmp_path / "surfaces", seed=7, count=count, report=lambda *_: None)
    return tmp_path / "surfaces"


class Plant:
    """A model, its stream of images, a line and an inspector who know the truth and tell the app nothing of it."""

    def __init__(self, folder: Path, *, url: str, workspace: Path) -> None:
        self.stream = DemoStream(folder, seed=3)
        self.model, self.access = create_demo(
            name="Steel",
            labels=self.stream.labels,
            folder=folder,
            access_file=workspace / "access.json",
            now=timezone.now(),
        )
        self.url = url
        self.reports: list[LineReport] = []

    def line(self) -> Line:
        return Line(base_url=self.url, api_key=self.access.api_key, model=self.model.slug, stream=self.stream)

    def produce(self, n: int) -> LineReport:
        """The line sends ``n`` images to `predict`."""
        report = self.line().run(rate=1000, n=n, stop=threading.Event(), tell=print)
        self.reports.append(report)
        return report

    def inspect(self, *, error_rate: float = 0.0) -> int:
        """An inspector signs in and judges until nothing is left. Returns the number of verdicts."""
        stop = threading.Event()
        inspector = Inspector(
            base_url=self.url, username=self.access.inspectors[0], password=self.access.password, model=self.model.slug,
            stream=self.stream, error_rate=error_rate, seed=1,
        )  # fmt: skip
        thread = threading.Thread(target=inspector.run, kwargs={"pace": 0.0, "stop": stop, "tell": print})
        thread.start()
        wait_for(lambda: not Review.objects.open().exists(), seconds=60)
        stop.set()
        thread.join()
        return inspector.n


def wait_for(condition: Callable[[], object], *, seconds: float, what: str = "") -> None:
    """Poll until ``condition`` holds. :raises TimeoutError: it never did."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what or "the condition did not come true in time")
        time.sleep(0.2)
