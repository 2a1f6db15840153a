"""The benchmarks run and end with their one line of JSON. Their figures are judged by people, never by a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

OURS = ("DATABASE_URL", "REDIS_URL", "REVIEWAPP_VAR", "DJANGO_SETTINGS_MODULE")


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("bulk_ingest", {"rows_per_s", "ratio_to_raw_copy", "resend_ratio", "new_rows_by_resend", "rss_mb"}),
        ("ingest_api", {"p50_ms", "p95_ms", "p99_ms", "saturation_per_s", "server_rss_mb"}),
        ("waits", {"without_p99_ms", "with_waits_p99_ms", "ratio_p99", "last_woken_ms", "threads_more", "errors"}),
        ("claim", {"p50_ms_1k", "p99_ms_1m", "worn_p99_ms_1m", "growth_1k_to_1m", "doubles", "errors"}),
        ("inspectors", {"p95_ms", "saturation_per_s", "saturation_buffered_per_s", "doubt_per_s", "doubles", "errors"}),
        (
            "station_paint",
            {"p50_ms", "p95_ms", "stalls_at_most", "page_kb_at_most", "first_load_ms", "doubles", "errors"},
        ),
        ("export", {"http_seconds_at_most", "http_growth_mb", "ratio_to_plain_copy", "command_seconds_at_most"}),
        ("policy", {"first_seconds", "p50_seconds", "seconds_at_most", "one_by_one_seconds"}),
        ("confusion", {"p50_ms", "cost_p50_ms", "accuracy_p50_ms"}),
        ("report", {"p50_ms", "growth_at_most", "rebuild_seconds_at_most", "rebuild_mb", "verdict_cost_ms"}),
        ("routing", {"million_draws_seconds_at_most", "million_rows_seconds", "million_older_hashes_seconds"}),
        ("promotion", {"wrongly_better_at_most", "worse_promoted_at_most", "mcnemar_unweighted"}),
        ("serving", {"p95_ms", "batch_per_s", "onnx_p95_ms", "onnx_batch_per_s"}),
        ("coverage", {"min_coverage", "false_alarm_rate", "median_labels_of_uniform"}),
    ],
)
def test_a_quick_run_prints_its_figures_and_targets(name: str, figures: set[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in OURS}
    command = [sys.executable, "-m", "benchmarks", name, "--quick"]
    answer = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode in {0, 1}, answer.stderr[-2000:]
    said = json.loads(answer.stdout.strip().splitlines()[-1])
    assert said["bench"] == name
    assert figures <= said["figures"].keys()
    assert said["targets"].keys() <= said["figures"].keys()
    assert said["figures"].get("doubles", 0) == said["figures"].get("errors", 0) == 0
