"""The house rules that no linter knows. (Import order and purity: import-linter; imports in functions: ruff.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.template import engines
from django.template.backends.django import DjangoTemplates

PROJECT = Path(__file__).resolve().parent.parent
APPS = ("reviewapp", "models_registry", "labeling")
MAX_LINES = 400
WITHOUT_A_MEANING = {"utils", "util", "helpers", "helper", "common", "misc", "shared"}


def sources(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[Path]:
    """Files that people wrote: not what Django generates, not what another project wrote."""
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.suffix in suffixes and not {"migrations", "__pycache__", "vendor"} & set(path.parts):
                yield path


def relative(path: Path, line: int | None = None) -> str:
    return f"{path.relative_to(PROJECT)}{f':{line}' if line else ''}"


def lines_with(pattern: str, paths: Iterator[Path]) -> list[str]:
    found = re.compile(pattern)
    return [
        f"{relative(path, number)} {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if found.search(line)
    ]


def test_no_file_outgrows_what_a_person_reads_in_one_go() -> None:
    written = sources(*APPS, "templates", "tests", "benchmarks", suffixes=(".py", ".html", ".js", ".css"))
    counts = {relative(path): len(path.read_text().splitlines()) for path in written if not _is_bundled(path)}
    assert {path: n for path, n in counts.items() if n > MAX_LINES} == {}


def _is_bundled(path: Path) -> bool:
    return path.name.endswith((".min.js", ".min.css"))


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [relative(path) for path in sources(*APPS, "tests", "benchmarks") if path.stem in WITHOUT_A_MEANING] == []


def test_nothing_is_marked_as_safe_by_hand() -> None:
    """`format_html` and autoescaping are the only ways to markup."""
    assert lines_with(r"mark_safe|SafeString\(", sources(*APPS)) == []
    templates = sources("templates", *APPS, suffixes=(".html", ".svg"))
    assert lines_with(r"\|\s*safe\b|\{%\s*autoescape\s+off", templates) == []


def test_templates_carry_no_script_and_no_style_of_their_own() -> None:
    """The Content-Security-Policy would drop both, silently. Data in `application/json` is no script."""
    inline = r"<script(?![^>]*(\bsrc=|application/json))[^>]*>|<style\b|\sstyle=|\son(click|change|load|submit|input)="
    assert lines_with(inline, sources("templates", *APPS, suffixes=(".html",))) == []


def test_templates_load_nothing_from_elsewhere() -> None:
    elsewhere = r"""(src|href)=["'](https?:)?//"""
    assert lines_with(elsewhere, sources("templates", *APPS, suffixes=(".html",))) == []


def test_every_template_compiles() -> None:
    (engine,) = [one for one in engines.all() if isinstance(one, DjangoTemplates)]
    names = [str(path.relative_to(PROJECT / "templates")) for path in sources("templates", suffixes=(".html",))]
    assert names
    for name in names:
        engine.get_template(name)


@pytest.mark.parametrize("app", ["models_registry", "labeling"])
def test_the_comment_above_an_index_names_its_reader(app: str) -> None:
    uncommented = []
    for path in sources(f"{app}/models"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if line.strip().startswith("models.Index(") and "# read by" not in lines[number - 1]:
                uncommented.append(relative(path, number + 1))
    assert uncommented == []


@pytest.mark.parametrize("app", ["models_registry", "labeling"])
def test_constraints_and_indexes_are_named_after_their_table(app: str) -> None:
    """A name is what an error of the database shows: it must lead to the table."""
    models = list(apps.get_app_config(app).get_models())
    named = [(model, one.name) for model in models for one in [*model._meta.constraints, *model._meta.indexes]]
    assert len({name for _, name in named}) == len(named)
    odd = [name for model, name in named if name[:3] != model.__name__.lower()[:3]]
    assert odd == []


def test_no_signal_receiver_and_no_work_in_save() -> None:
    """What happens is written where it is started: in a service, not behind a save."""
    assert lines_with(r"@receiver|\.connect\(", sources("models_registry", "labeling")) == []
    assert lines_with(r"def (save|delete)\(", sources("models_registry/models", "labeling/models")) == []


def test_services_do_not_ask_the_clock() -> None:
    """Time is passed in: only shells (views, tasks, commands, admin) know what time it is."""
    services = [*sources("models_registry/services", "models_registry/training", "models_registry/estimation")]
    services += [PROJECT / "labeling" / f"{name}.py" for name in ("feedback", "queue", "verdicts")]
    services += sources("labeling/ingest", "labeling/routing")
    asked = lines_with(r"timezone\.now\(\)|datetime\.now\(", iter(services))
    assert [line for line in asked if "services/pipeline/" not in line] == []  # a run takes minutes: it is a shell
