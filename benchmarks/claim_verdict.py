"""Inspectors at work: claim, judge, next. One person alone, then eight at once; nothing twice."""

from __future__ import annotations

import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from benchmarks.printed import conclude, machine, percentiles
from benchmarks.stack import PASSWORD, Stack, stack

TARGETS = {"claim_p50_ms": 10.0, "verdict_p50_ms": 10.0, "doubles": 0.0, "errors": 0.0}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PEOPLE = 8


@dataclass
class Work:
    """What one person did: seconds a claim, seconds a verdict, the reviews judged."""

    claims: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    reviews: list[int] = field(default_factory=list)
    errors: int = 0


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    n_reviews, seconds = (500, 2.0) if quick else (20_000, 15.0)
    print(machine())
    with stack(inspectors=PEOPLE, reviews=n_reviews) as running:
        alone = _work(running, 0, seconds)
        start = time.perf_counter()
        with ThreadPoolExecutor(PEOPLE) as pool:
            together = list(pool.map(lambda n: _work(running, n, seconds), range(PEOPLE)))
        elapsed = time.perf_counter() - start
        memory = running.rss_mb()
    judged = Counter(pk for work in [alone, *together] for pk in work.reviews)
    figures = {f"claim_{name}": value for name, value in percentiles(alone.claims).items()}
    figures |= {f"verdict_{name}": value for name, value in percentiles(alone.verdicts).items()}
    figures |= {
        f"verdicts_per_s_{PEOPLE}_people": round(sum(len(work.reviews) for work in together) / elapsed, 1),
        f"claim_p95_{PEOPLE}_people_ms": percentiles([s for work in together for s in work.claims])["p95_ms"],
        "doubles": float(sum(n - 1 for n in judged.values())),
        "errors": float(sum(work.errors for work in [alone, *together])),
        "server_rss_mb": memory,
    }
    return conclude("claim_verdict", figures, TARGETS)


def _work(running: Stack, number: int, seconds: float) -> Work:
    client, work = signed_in(running, f"inspector-{number}"), Work()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        claimed = _timed(client, f"/api/v1/models/{running.model}/reviews/claim/", {"n": 1}, work.claims)
        if claimed is None or not claimed["reviews"]:
            work.errors += claimed is None
            break
        (review,) = claimed["reviews"]
        said = _timed(client, "/api/v1/verdicts/", verdict_on(review), work.verdicts)
        work.errors += said is None
        work.reviews.append(review["id"])
    return work


def signed_in(running: Stack, username: str) -> httpx.Client:
    client = httpx.Client(base_url=running.url, timeout=30)
    token = TOKEN.search(client.get("/login/").text)
    fields = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token.group(1) if token else ""}
    answer = client.post("/login/", data=fields, headers={"Referer": running.url})
    if answer.status_code != 302:
        raise RuntimeError(f"{username} could not sign in: {answer.status_code}")
    return client


def _timed(
    client: httpx.Client, url: str, body: dict[str, object], into: list[float]
) -> dict[str, list[dict[str, int]]] | None:
    start = time.perf_counter()
    answer = client.post(
        url, json=body, headers={"X-CSRFToken": client.cookies["csrftoken"], "Referer": str(client.base_url)}
    )
    into.append(time.perf_counter() - start)
    return answer.json() if answer.is_success else None


def verdict_on(review: Mapping[str, object]) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "client_id": str(uuid.uuid4()), "review": review["id"], "kind": "label", "label": "ok",
        "phase": review["phase"],
        "shown_at": (now - timedelta(seconds=1)).isoformat(), "said_at": now.isoformat(),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
