"""How long one look of the policy at all models takes: facts, decisions, and the ledger.

    python -m benchmarks policy [--quick]

1,000 models with 200 labels each, every second with a run behind it. Beside it, in the same run: the models one by one,
as a page asks. `first_seconds` writes a row of the ledger for every model, `seconds_at_most` is the slowest of the
later looks, in which nothing has changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.printed import ROOT, conclude, machine
from reviewapp.embedded.running import running


def main(arguments: list[str]) -> int:
    n_models, n_labels = (50, 50) if "--quick" in arguments else (1_000, 200)
    print(machine())
    print(f"{n_models} models with {n_labels} labels each")
    with TemporaryDirectory(prefix="reviewapp-bench-") as folder, running(Path(folder), durable=True) as engines:
        environment = os.environ | {
            "DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url, "REVIEWAPP_VAR": folder,
            "DJANGO_SETTINGS_MODULE": "reviewapp.settings", "REVIEWAPP_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.one_look", str(n_models), str(n_labels)]
        answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    return conclude("policy", json.loads(answer.stdout.strip().splitlines()[-1]), {"seconds_at_most": 5.0})
