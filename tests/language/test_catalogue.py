"""The German catalogue is whole: every sentence of the code stands in it, translated, and what is compiled is it."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
PO = PROJECT / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
CODE = ("labeling", "models_registry", "reviewapp", "templates", "locale", "manage.py")
WITHOUT = shutil.ignore_patterns("__pycache__", "static", "migrations")
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%|%[sd]|</?\w[^>]*>")

Messages = dict[str | tuple[str, int], str]


@pytest.fixture(scope="module")
def tools() -> None:
    if shutil.which("xgettext") is None or shutil.which("msgfmt") is None:
        if os.environ.get("REQUIRE_GETTEXT") == "1":
            pytest.fail("gettext is missing and REQUIRE_GETTEXT=1 (apt-get install -y gettext)")
        pytest.skip("gettext is missing")


def messages_of(mo: Path) -> Messages:
    with mo.open("rb") as stream:
        found: Messages = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in found.items() if key != ""}


def run(*command: str | Path, cwd: Path = PROJECT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_sentence_of_the_code_is_translated(tools: None, tmp_path: Path) -> None:
    """`make messages` in a copy of the code finds nothing that is new, unsure, or gone."""
    for name in CODE:
        source = PROJECT / name
        shutil.copytree(source, tmp_path / name, ignore=WITHOUT) if source.is_dir() else shutil.copy(source, tmp_path)
    run(sys.executable, "manage.py", "makemessages", "-l", "de", "--no-location", "--no-wrap", cwd=tmp_path)
    po = tmp_path / PO.relative_to(PROJECT)

    for what in ("--untranslated", "--only-fuzzy", "--only-obsolete"):
        said = run("msgattrib", what, "--no-wrap", po)
        assert re.findall(r'^(?:#~ )?msgid "(.+)"', said, re.M) == [], f"{what}: run make messages"


def test_what_is_compiled_is_what_was_written(tools: None, tmp_path: Path) -> None:
    run("msgfmt", "--check-format", "--output-file", tmp_path / "django.mo", PO)
    assert messages_of(tmp_path / "django.mo") == messages_of(MO)


def test_a_translation_has_the_placeholders_and_marks_of_its_sentence() -> None:
    """`{n}` of the station's script and HTML are not checked by gettext's own tools."""
    wrong = []
    for key, text in messages_of(MO).items():
        source = key if isinstance(key, str) else key[0]
        wanted, got = (set(PLACEHOLDERS.findall(one.split("\x04")[-1])) for one in (source, text))
        added = {"%(n)s"} if isinstance(key, tuple) else set()  # a plural's first form may say “a” for the number
        if wanted - added != got - added:
            wrong.append((source, text))
    assert wrong == []


def test_no_sentence_is_left_in_english() -> None:
    """What is the same in both languages is a name, a sign or a word of the field, never a sentence."""
    same = [key for key, text in messages_of(MO).items() if isinstance(key, str) and key == text]
    assert [text for text in same if len(re.findall(r"[A-Za-z]{2,}", re.sub(r"%\(\w+\)[sd]", "", text))) > 2] == []
