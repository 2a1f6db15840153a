"""Very many predictions in bulk requests, against raw COPY of the same rows into the same tables, in one run.

    python -m benchmarks.bulk_ingest [--quick] [--full]

Raw COPY writes what the requests wrote, from memory, with no HTTP, no validation and no thought: the database's limit.
Ten rounds with ``--full``, to two million rows, else five: does the rate fall as the tables grow?
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import httpx
import msgspec
import psycopg

from benchmarks.printed import conclude, machine
from benchmarks.stack import Stack, stack

TARGETS = {
    "ratio_to_raw_copy": 0.4, "resend_ratio": 1.0, "new_rows_by_resend": 0.0, "flatness": 0.9, "rss_mb": 250.0,
}  # fmt: skip
TABLES = (
    "labeling_inspection", "labeling_item", "labeling_prediction", "labeling_selection", "labeling_review",
    "labeling_dispositionrecord",
)  # fmt: skip
ROWS_A_REQUEST = 50_000
SCORES = ((0.91, 0.06, 0.03), (0.2, 0.7, 0.1), (0.05, 0.15, 0.8))
LABELS = ("ok", "scratch", "dent")


@dataclass(frozen=True)
class Sent:
    """Rows and seconds of the requests of one round."""

    n_rows: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.n_rows / self.seconds


def main(arguments: list[str]) -> int:
    quick, full = "--quick" in arguments, "--full" in arguments
    n_rows = 6_000 if quick else 200_000
    print(machine())
    with stack() as running, httpx.Client(timeout=600) as client:
        send(running, client, body(range(200), "warm"))
        rounds = [send_all(running, client, n_rows, f"round-{n}") for n in range(1 if quick else 10 if full else 5)]
        again = [send_all(running, client, n_rows, f"round-{n}") for n in range(min(5, len(rounds)))]
        n_stored = count(running)
        raw = raw_copy(running, n_rows)
        rates, resent = [one.rate for one in rounds], [one.rate for one in again]
        flatness = median(rates[-3:]) / rates[0]  # the last ones against the one that began with empty tables
        figures = {
            "rows_per_s": round(median(rates)),
            "raw_copy_rows_per_s": round(raw),
            "ratio_to_raw_copy": round(median(rates) / raw, 3),
            "resend_rows_per_s": round(median(resent)),
            "resend_ratio": round(median(resent) / median(rates), 3),
            "new_rows_by_resend": float(n_stored - 200 - n_rows * len(rounds)),
            "flatness": round(flatness, 3),
            "rss_mb": running.rss_mb(),
        }
    return conclude("bulk_ingest", figures, TARGETS)


def row(number: int, run: str) -> dict[str, object]:
    kind = 0 if number % 10 < 8 else 1 + number % 2  # eight of ten parts are good
    return {
        "model": "bench", "version": 1, "inspection_id": f"{run}-{number}", "source": "cam-1", "label": LABELS[kind],
        "scores": dict(zip(LABELS, SCORES[kind], strict=True)), "serial": f"S-{run}-{number}",
        "lot": f"L{number // 500}",
        "captured_at": f"2026-11-24T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
    }  # fmt: skip


def body(numbers: range, run: str) -> bytes:
    return b"\n".join(msgspec.json.encode(row(number, run)) for number in numbers)


def pieces(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), 65_536):
        yield text[start : start + 65_536]


def send(running: Stack, client: httpx.Client, text: bytes) -> dict[str, int]:
    answer = client.post(
        f"{running.url}/api/v1/predictions/bulk/",
        content=pieces(text),
        headers={
            "Authorization": f"Bearer {running.api_key}",
            "Content-Type": "application/x-ndjson",
            "Content-Length": str(len(text)),
        },
    )
    if answer.status_code not in {200, 201}:
        raise RuntimeError(f"{answer.status_code} {answer.text[:500]}")
    counts: dict[str, int] = msgspec.json.decode(answer.content)["counts"]
    return counts


def send_all(running: Stack, client: httpx.Client, n_rows: int, run: str) -> Sent:
    """The rows of one run in requests of `ROWS_A_REQUEST`. Making the bodies is not measured."""
    starts = range(0, n_rows, ROWS_A_REQUEST)
    bodies = [body(range(start, min(n_rows, start + ROWS_A_REQUEST)), run) for start in starts]
    start = time.perf_counter()
    for text in bodies:
        send(running, client, text)
    sent = Sent(n_rows, time.perf_counter() - start)
    print(f"{run:<12}{n_rows:>10} rows {sent.seconds:>8.2f} s {sent.rate:>9.0f} rows/s {running.rss_mb():>8.1f} MB")
    return sent


def count(running: Stack) -> int:
    with psycopg.connect(running.database_url) as connection:
        answer = connection.execute("SELECT count(*) FROM labeling_prediction").fetchone()
        return int(answer[0]) if answer else 0


def raw_copy(running: Stack, n_rows: int) -> float:
    """Parts a second when the rows of ``n_rows`` stored parts are copied back into the emptied tables. Median of 5."""
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        texts = {}
        for table in TABLES:
            key = "id" if table == "labeling_inspection" else "inspection_id"
            query = f"COPY (SELECT * FROM {table} WHERE {key} IN (SELECT id FROM labeling_inspection ORDER BY id LIMIT {n_rows})) TO STDOUT"  # noqa: S608, E501
            with connection.cursor().copy(query) as copy:
                texts[table] = [bytes(piece) for piece in copy]
        for table in TABLES:  # neither the rollups nor anything else is kept
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        rates = []
        for _ in range(5):
            connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            start = time.perf_counter()
            with connection.transaction():
                for table in TABLES:
                    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                        for one in range(0, len(texts[table]), 500):
                            copy.write(b"".join(texts[table][one : one + 500]))
            rates.append(n_rows / (time.perf_counter() - start))
        print(f"raw COPY    {n_rows:>10} parts, {', '.join(f'{rate:.0f}' for rate in rates)} a second")
        return median(rates)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
