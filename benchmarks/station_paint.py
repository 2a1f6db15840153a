"""The station in a real browser on the real server: from the key to the next image, an inspector at five verdicts a
second, the weight of the page.

`key → next image` is measured in the page: from the key's own time stamp to the frame after the one in which the next
image was on the page. Beside it what the browser itself says was presented (Event Timing, in steps of 8 ms).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from playwright.sync_api import Page, sync_playwright

from benchmarks.printed import ROOT, conclude, machine
from benchmarks.stack import PASSWORD, Stack, stack

TARGETS = {
    "p50_ms": 33.0, "p95_ms": 80.0, "stalls_at_most": 0.0, "doubles": 0.0, "errors": 0.0, "page_kb_at_most": 120.0,
    "first_load_ms": 1000.0, "change_person_ms": 2000.0,
}  # fmt: skip
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
MIN_VIEW_MS = 100
PACE_S = 0.2
BADGE = "8821300042"  # as in `station_parts`
WATCH = (Path(__file__).parent / "station_watch.js").read_text()
READY = "body[data-state=judge]:not([data-wait])"
BUFFERED = f"{READY}:has(#shot > :nth-child(4))"


@dataclass
class Pace:
    """What a scripted inspector met: keys that did not count, seconds until everything was stored."""

    n: int
    stalls: int
    late_s: float
    stored: int
    doubles: int


@dataclass
class Load:
    kb: float = 0.0
    ms: list[float] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    n_keys, seconds, loads, changes = (6, 2, 1, 1) if quick else (120, 60, 5, 5)
    print(machine())
    with stack(inspectors=2) as running, browser() as chromium:
        secret = _seed(n_keys + int(seconds / PACE_S) + 60)
        context = chromium.new_context(base_url=running.url, viewport={"width": 1440, "height": 900})
        page = _signed_in(context.new_page())
        load = _first_load(page, running, loads)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        waits, presented = _keys(page, n_keys)
        pace = _pace(page, running, seconds)
        changed = [_change(page, running, secret) for _ in range(changes)]
        context.close()
    figures = {
        **{f"p{q}_ms": round(float(np.percentile(waits, q)), 1) for q in (50, 95, 99)},
        **{f"presented_p{q}_ms": float(np.percentile(presented or [0], q)) for q in (50, 95)},
        "paced_verdicts": float(pace.n), "stalls_at_most": float(pace.stalls), "stored": float(pace.stored),
        "doubles": float(pace.doubles), "last_stored_after_s": round(pace.late_s, 2), "errors": float(len(errors)),
        "change_person_ms": round(float(np.median(changed))), "page_kb_at_most": round(load.kb, 1),
        "first_load_ms": round(float(np.median(load.ms))),
    }  # fmt: skip
    return conclude("station_paint", figures, TARGETS)


@contextmanager
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise RuntimeError("Chromium is missing (apt-get install -y chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


def _seed(n: int) -> str:
    """Parts with images; returns the secret of a registered screen."""
    command = [sys.executable, "-m", "benchmarks.station_parts", str(n), str(MIN_VIEW_MS)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1]


def _signed_in(page: Page, name: str = "inspector-0") -> Page:
    page.context.clear_cookies()
    page.goto("/login/")
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/")
    return page


def _first_load(page: Page, running: Stack, n: int) -> Load:
    """With an empty cache: the weight of everything but images, and the time until the first one may be judged."""
    load, session = Load(), page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    addresses: dict[str, str] = {}
    session.on("Network.responseReceived", lambda one: addresses.update({one["requestId"]: one["response"]["url"]}))
    session.on(
        "Network.loadingFinished",
        lambda one: sizes.append(one["encodedDataLength"]) if "/image/" not in addresses[one["requestId"]] else None,
    )
    for _ in range(n):
        session.send("Network.clearBrowserCache")
        sizes.clear()
        page.goto(f"/review/{running.model}/")
        page.wait_for_selector(READY)
        load.ms.append(float(page.evaluate("performance.now()")) - MIN_VIEW_MS)
        load.kb = sum(sizes) / 1000
    session.detach()
    return load


def _keys(page: Page, n: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the key to the next image, with the buffer warm."""
    page.evaluate(WATCH)
    for k in range(n):
        page.wait_for_selector(BUFFERED)
        page.wait_for_timeout(60 + 13 * (k % 5))  # not in step with the frames
        page.keyboard.press("2")
        page.wait_for_selector(f"body[data-watched='{k + 1}']")
    watched = page.evaluate("window.watched")
    return watched["waits"], watched["presented"]


def _pace(page: Page, running: Stack, seconds: int) -> Pace:
    page.wait_for_selector(BUFFERED)
    page.evaluate("window.watched.flashes = 0")
    before, n, start = _stored(running)[0], int(seconds / PACE_S), time.perf_counter()
    for k in range(n):
        time.sleep(max(0.0, start + k * PACE_S - time.perf_counter()))
        page.keyboard.press("1")
    pressed = time.perf_counter()
    page.wait_for_selector('#line[data-unsent="0"]')
    late = time.perf_counter() - pressed
    stored, doubles = _stored(running)
    stalls = int(page.evaluate("window.watched.flashes"))
    return Pace(
        n=n, stalls=stalls + (n - stalls - (stored - before)), late_s=late, stored=stored - before, doubles=doubles
    )


def _change(page: Page, running: Stack, secret: str) -> float:
    """Milliseconds from the first sign of a badge, which a reader types, to the next person's first image, painted."""
    _signed_in(page, "inspector-0")
    page.context.add_cookies([{"name": "reviewapp_device", "value": secret, "url": running.url}])
    page.goto(f"/review/{running.model}/")
    page.wait_for_selector(BUFFERED)
    start = time.perf_counter()
    page.keyboard.type(f"%{BADGE}?\n")
    page.wait_for_selector(".who-now b:text-is('inspector-1')")
    page.wait_for_selector(READY)
    return 1000 * (time.perf_counter() - start) - MIN_VIEW_MS


def _stored(running: Stack) -> tuple[int, int]:
    """Verdicts in the database, and how many of them are the second one on a review."""
    with psycopg.connect(running.database_url) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT review_id) FROM labeling_verdict").fetchone()
    return (row[0], row[0] - row[1]) if row else (0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
