"""Line and inspectors together, in threads of one process that ends cleanly."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from labeling.demo.inspectors import Inspector
from labeling.demo.line import Line, LineReport
from labeling.demo.setup import DemoAccess
from labeling.demo.stream import DemoStream

Tell = Callable[[str], None]


class Simulation:
    """What the three simulate commands share: access, the stream, and an end by time or Ctrl-C."""

    def __init__(self, *, access: Path, base_url: str, tell: Tell) -> None:
        if not access.exists():
            raise FileNotFoundError(
                "There is no demo yet: start it with `make demo` and wait until it says that it is ready."
            )
        self.access, self.base_url, self.tell = DemoAccess.read(access), base_url, tell
        self.stream = DemoStream(Path(self.access.folder))
        self.stop = threading.Event()  # people stop now
        self.time_is_over = threading.Event()  # the line stops now

    def end_after(self, minutes: float | None) -> None:
        """Stop at Ctrl-C and at SIGTERM; after so many minutes the time is over."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._end)
        if minutes is not None:
            timer = threading.Timer(minutes * 60, self.time_is_over.set)
            timer.daemon = True
            timer.start()

    def _end(self, *_: object) -> None:
        self.stop.set()
        self.time_is_over.set()

    def line(self, *, rate: float, n: int | None = None) -> LineReport:
        line = Line(base_url=self.base_url, api_key=self.access.api_key, model=self.access.model, stream=self.stream)
        self.tell(f"The line posts {rate:g} images a second to {self.base_url}.")
        return line.run(rate=rate, n=n, stop=self.time_is_over, tell=self.tell)

    def start_inspectors(self, *, pace: float, error_rate: float, number: int) -> list[threading.Thread]:
        """Each person in a thread of their own; ``pace`` is seconds a verdict and person."""
        self.tell(f"{number} simulated inspectors, {pace:g} s a verdict, {error_rate:.0%} of the verdicts wrong.")
        threads = [
            threading.Thread(target=self._inspect, args=(name, seed, pace, error_rate), name=name)
            for seed, name in enumerate(self.access.inspectors[:number])
        ]
        for thread in threads:
            thread.start()
        return threads

    def finish_reviews(self, *, seconds: float) -> None:
        """The line has stopped: give people the time to judge what is left."""
        self.tell("The line has stopped. The inspectors judge what is left.")
        line = Line(base_url=self.base_url, api_key=self.access.api_key, model=self.access.model, stream=self.stream)
        end = time.monotonic() + seconds
        while line.n_reviews_open() and time.monotonic() < end and not self.stop.wait(1):
            pass
        self.stop.set()

    def _inspect(self, username: str, seed: int, pace: float, error_rate: float) -> None:
        inspector = Inspector(
            base_url=self.base_url, username=username, password=self.access.password, model=self.access.model,
            stream=self.stream, error_rate=error_rate, seed=seed,
        )  # fmt: skip
        try:
            n = inspector.run(pace=pace, stop=self.stop, tell=self.tell)
        except PermissionError as error:
            self.tell(str(error))
        else:
            self.tell(f"{username}: {n} verdicts.")
