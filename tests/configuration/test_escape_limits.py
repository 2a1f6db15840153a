"""Limits of escapes stand in the model's document."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import tests.factories as make
from labeling.configuration.exporting import present_state
from models_registry.models import EscapeLimit

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(tmp_path: Path) -> Path:
    make.make_model(slug="steel", label_set=make.make_label_set(slug="surface"))
    return tmp_path / "steel.yaml"


def apply(document: Path, limits: str) -> str:
    document.write_text(f"kind: model\nslug: steel\nescape_limits: {limits}\n")
    said = io.StringIO()
    call_command("apply", str(document), stdout=said)
    return said.getvalue()


def test_limits_are_made_changed_and_left_alone(document: Path) -> None:
    assert "escape limit dent of steel" in apply(document, '{"*": 0.002, dent: 0.0001}')
    assert apply(document, '{"*": 0.002}') == "No change.\n"
    apply(document, "{dent: 0.0005}")
    assert dict(EscapeLimit.objects.values_list("label", "max_rate")) == {"": 0.002, "dent": 0.0005}
    (exported,) = [one for several in present_state().values() for one in several if one["kind"] == "model"]
    assert exported["escape_limits"] == {"*": 0.002, "dent": 0.0005}


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [("{ok: 0.1}", "ok is no defect class"), ("{rust: 0.1}", "rust is no defect class"), ("{dent: 1.5}", "< 1"),
     ("{dent: 0}", "> 0"), ("{dent: none}", "float"), ("[dent]", "object")],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused_at_its_line(document: Path, limits: str, refusal: str) -> None:
    with pytest.raises(CommandError, match=r"steel\.yaml:3") as error:
        apply(document, limits)
    assert refusal in str(error.value)
    assert not EscapeLimit.objects.exists()
