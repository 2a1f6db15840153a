"""The settings refuse nonsense, in words, and README.md names every variable that they read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "REVIEWAPP_ENV": "production",
    "DJANGO_SECRET_KEY": "a key that is only for this test",
    "DJANGO_ALLOWED_HOSTS": "review.example.com",
    "DATABASE_URL": "postgresql://db.example.com/reviewapp",
    "REDIS_URL": "redis://redis.example.com:6379/0",
}
OURS = re.compile(r"\b(?:REVIEWAPP|DJANGO)_[A-Z0-9_]+\b|\bDATABASE_URL\b|\bREDIS_URL\b|\bPORT\b")
ELSEWHERE = {"DJANGO_SETTINGS_MODULE"}  # Django's own


def load(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a fresh process that inherits none of our variables and prints a few of them."""
    inherited = {name: value for name, value in os.environ.items() if not OURS.fullmatch(name)}
    program = "from reviewapp import settings as s; print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT)"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**inherited, "REVIEWAPP_VAR": str(tmp_path / "var"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_production_with_everything_set_starts_and_is_strict(tmp_path: Path) -> None:
    answer = load(tmp_path, **PRODUCTION)
    assert (answer.returncode, answer.stdout.split()) == (0, ["False", "True", "True"]), answer.stderr


def test_development_needs_nothing_and_debug_is_off(tmp_path: Path) -> None:
    answer = load(tmp_path)
    assert (answer.returncode, answer.stdout.split()) == (0, ["False", "False", "False"]), answer.stderr
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"REVIEWAPP_ENV": "staging"}, "it takes development or production"),
        (PRODUCTION | {"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY is not set"),
        (PRODUCTION | {"DJANGO_DEBUG": "1"}, "DJANGO_DEBUG cannot be on in production"),
        (PRODUCTION | {"DJANGO_ALLOWED_HOSTS": "*"}, "DJANGO_ALLOWED_HOSTS is '*'"),
        (PRODUCTION | {"DJANGO_ALLOWED_HOSTS": "review.example.com,*"}, "DJANGO_ALLOWED_HOSTS is '*'"),
        (PRODUCTION | {"REDIS_URL": ""}, "The embedded Redis is an old patch level"),
        ({"REVIEWAPP_HOLDOUT_SHARE": "0"}, "REVIEWAPP_HOLDOUT_SHARE lies between 0 and 1"),
        ({"REVIEWAPP_HOLDOUT_SHARE": "1"}, "REVIEWAPP_HOLDOUT_SHARE lies between 0 and 1"),
        ({"REVIEWAPP_HOLDOUT_SHARE": "nan"}, "could not convert string to float"),
        ({"REVIEWAPP_WEB_THREADS": "0"}, "are at least 1"),
        ({"REVIEWAPP_MAX_IMAGE_MB": "many"}, "invalid literal for int"),
    ],
)
def test_nonsense_is_refused_in_words(environment: dict[str, str], message: str, tmp_path: Path) -> None:
    answer = load(tmp_path, **environment)
    assert answer.returncode != 0
    assert message in answer.stderr.splitlines()[-1]


def test_a_secret_key_made_once_is_kept(tmp_path: Path) -> None:
    load(tmp_path)
    before = (tmp_path / "var" / "secret_key").read_text()
    load(tmp_path)
    assert (tmp_path / "var" / "secret_key").read_text() == before
    assert len(before) >= 60


def test_the_embedded_redis_in_production_is_taken_when_it_is_understood(tmp_path: Path) -> None:
    answer = load(tmp_path, **PRODUCTION | {"REDIS_URL": "", "REVIEWAPP_ALLOW_EMBEDDED_REDIS": "1"})
    assert answer.returncode == 0, answer.stderr


def variables_read_by_the_settings() -> set[str]:
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (PROJECT / "reviewapp" / "settings.py").read_text()))


def test_the_readme_names_every_setting_and_none_that_is_not_there() -> None:
    readme = PROJECT / "README.md"
    assert readme.exists(), "README.md is missing: its table of settings names every variable that settings.py reads."
    rows = [line.split("|")[1] for line in readme.read_text().splitlines() if line.startswith("|")]
    named = {name for row in rows for name in OURS.findall(row)} - ELSEWHERE
    read = variables_read_by_the_settings()
    assert not read - named, "settings.py reads these and the table in README.md does not name them"
    used = read | _used_elsewhere()
    assert not named - used, "the table in README.md names these and nothing reads them"


def _used_elsewhere() -> set[str]:
    """Variables of the programs around the settings: the runner, the demo, the Makefile."""
    places = [PROJECT / "Makefile", PROJECT / "Procfile"]
    places += [one for app in ("reviewapp", "labeling", "models_registry") for one in (PROJECT / app).rglob("*.py")]
    return {name for place in places for name in OURS.findall(place.read_text())}


def test_the_example_file_names_only_settings_that_exist() -> None:
    named = set(OURS.findall((PROJECT / ".env.example").read_text()))
    assert named <= variables_read_by_the_settings()
