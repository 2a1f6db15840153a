"""Progress on a terminal's standard error: how many, how fast, how long still."""

from __future__ import annotations

import time
from typing import Protocol

EVERY = 0.5


class Stream(Protocol):
    """A terminal, a file, or what Django makes of them."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class Progress:
    """A line that moves: rows, rows a second, what is left. On something else than a terminal a line every 5 s."""

    def __init__(self, stream: Stream, what: str, *, total: int | None) -> None:
        self._stream, self._what, self._total = stream, what, total
        self._start = self._told_at = time.monotonic()
        self._is_terminal = stream.isatty()

    def tell(self, n: int, *, total: int | None = None, last: bool = False) -> None:
        """``n`` are done, of ``total`` when that is known only now."""
        self._total = total or self._total
        moment = time.monotonic()
        if not last and moment - self._told_at < (EVERY if self._is_terminal else EVERY * 10):
            return
        self._told_at = moment
        text = describe(self._what, n, self._total, moment - self._start)
        self._stream.write(f"\r{text:<78}" + ("\n" if last else "") if self._is_terminal else f"{text}\n")
        self._stream.flush()


def describe(what: str, n: int, total: int | None, seconds: float) -> str:
    """``Exporting 40,000 of 100,000 (40 %), 41,200/s, 1 s left``."""
    rate = n / seconds if seconds > 0 else 0.0
    of = f" of {total:,} ({n / total:.0%})" if total else ""
    left = f", {(total - n) / rate:.0f} s left" if total and rate and n < total else f", {seconds:.1f} s"
    return f"{what} {n:,}{of}, {rate:,.0f}/s{left}"
