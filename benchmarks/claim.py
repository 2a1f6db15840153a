"""Claims of 32 inspectors at once, a claim and a verdict a second each, with 1,000, 100,000 and 1,000,000 reviews open;
and with a million of which the head is worn: 10,000 leased by somebody else, and 2,000 that each of the 32 has judged
and that wait for another. The planner's statistics are those of the empty tables throughout.
"""

from __future__ import annotations

import sys

import psycopg

from benchmarks.inspectors import cpu_seconds
from benchmarks.open_reviews import fill, n_verdicts, verdicts_twice
from benchmarks.printed import conclude, machine, percentiles
from benchmarks.stack import Stack, stack
from benchmarks.wire import Inspector, Wire, Work, crowd, sessions

TARGETS = {"p99_ms_1m": 20.0, "worn_p99_ms_1m": 20.0, "growth_1k_to_1m": 1.3, "doubles": 0.0, "errors": 0.0}
PEOPLE = 32
SIZES = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}
LEASED = """
UPDATE labeling_review SET claim_expires_at = now() + interval '1 day',
    claimed_by_id = (SELECT id FROM auth_user WHERE username = 'inspector-32')
WHERE id IN (SELECT id FROM labeling_review WHERE status = 'open' AND claimed_by_id IS NULL ORDER BY id LIMIT 10000)
"""
JUDGED = """
WITH head AS (
    UPDATE labeling_review SET spoken = true
    WHERE id IN (SELECT id FROM labeling_review WHERE status = 'open' AND claimed_by_id IS NULL ORDER BY id LIMIT 2000)
    RETURNING id, blind
)
INSERT INTO labeling_verdict (review_id, reviewer_id, phase, kind, label_id, note, findings, shown, shown_at, said_at,
    received_at, lease_lost, client_id)
SELECT head.id, u.id, CASE WHEN blind THEN 'blind' ELSE 'shown' END, 'label',
    (SELECT min(id) FROM models_registry_label), '', '[]', '{}', now(), now(), now(), false, gen_random_uuid()
FROM head CROSS JOIN auth_user u WHERE u.username LIKE 'inspector-%' AND u.username <> 'inspector-32'
"""


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    sizes = {"1k": 1_000, "1m": 3_000} if quick else SIZES
    seconds = 3.0 if quick else 25.0
    print(machine())
    works: dict[str, Work] = {}
    figures: dict[str, float] = {}
    with stack(inspectors=PEOPLE + 1) as running:
        keys, n = sessions(PEOPLE), 0
        for name, size in sizes.items():
            fill(running.database_url, first=n + 1, last=size)
            n = size
            _measure(running, keys, name, works, figures, seconds)
        twice, n_before = verdicts_twice(running.database_url), n_verdicts(running.database_url)
        lost = abs(n_before - sum(work.n_said for work in works.values()))
        with psycopg.connect(running.database_url, autocommit=True) as connection:
            for statement in (LEASED, JUDGED):
                connection.execute(statement)
        _measure(running, keys, "worn", works, figures, seconds)
    figures["worn_p99_ms_1m"] = figures.pop("p99_ms_worn")
    figures["growth_1k_to_1m"] = round(figures["p99_ms_1m"] / figures["p99_ms_1k"], 2)
    handed = Work(handed=[pk for work in works.values() for pk in work.handed])
    errors = [one for work in works.values() for one in work.errors]
    figures |= {"doubles": float(handed.doubles() + twice), "errors": float(len(errors) + lost)}
    for one in errors[:5]:
        print(one[:300])
    return conclude("claim", figures, TARGETS)


def _measure(
    running: Stack, keys: list[str], name: str, works: dict[str, Work], figures: dict[str, float], seconds: float
) -> None:
    people = [Inspector(Wire(running, key), running.model, {}) for key in keys]
    works[f"{name} warm"], _ = crowd(people, seconds=min(3.0, seconds), every=1.0)
    before = cpu_seconds(running)
    works[name], _ = crowd(people, seconds=seconds, every=1.0)
    spent = cpu_seconds(running) - before
    found = percentiles(works[name].claims)
    figures |= {f"p50_ms_{name}": found["p50_ms"], f"p99_ms_{name}": found["p99_ms"]}
    figures[f"cpu_ms_a_verdict_{name}"] = round(1000 * spent / max(1, works[name].n_said), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
