"""The migrated database that every test database is a copy of: the migrations run once, not once in each process."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import psycopg

NAME = "reviewapp_template"
PROJECT = Path(__file__).resolve().parent.parent


def make_template(folder: Path) -> None:
    """Whoever comes first makes it, the others wait. A process of its own runs the migrations, so that no connection
    is left open: a database that somebody is connected to cannot be copied.

    :raises CalledProcessError: a migration failed. Its words are on stderr.
    """
    made = folder / "template.made"
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            return
        url = os.environ["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {NAME}")
        environment = {**os.environ, "DATABASE_URL": url.replace("/reviewapp?", f"/{NAME}?", 1)}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"]
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        made.touch()
