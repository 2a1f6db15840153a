"""`manage.py apply`: the files' state becomes the present one, once; what is wrong is said with file and line."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from labeling.configuration.documents import PromotionOf, RetrainingOf, ReviewOf
from labeling.models import Membership, ReviewPolicy, SamplingDesign, Site, Source
from models_registry.models import (
    Label,
    LabelMapping,
    LabelSet,
    ModelVersion,
    PromotionPolicy,
    RegisteredModel,
    RetrainingPolicy,
    Webhook,
)
from tests import factories as make
from tests.conftest import PROJECT
from tests.together import all_done

pytestmark = pytest.mark.django_db

EXAMPLE = PROJECT / "docs" / "examples" / "fleet"
EVERYTHING = (
    Site,
    Source,
    LabelSet,
    Label,
    RegisteredModel,
    ReviewPolicy,
    SamplingDesign,
    ModelVersion,
    Membership,
    Webhook,
)


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("alice", "bob", "lena", "line-3"):
        make.make_user(name)
    monkeypatch.setenv("MES_WEBHOOK_SECRET", "whsec_from-the-vault")


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """The example, in a folder where it can be changed."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for file in EXAMPLE.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    return folder


def apply(*files: Path, plan: bool = False) -> str:
    said = io.StringIO()
    call_command("apply", *map(str, files), plan=plan, stdout=said)
    return said.getvalue()


def planned(*files: Path) -> str:
    """What a plan says that has something to do."""
    said = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("apply", *map(str, files), plan=True, stdout=said)
    assert end.value.code == 2
    return said.getvalue()


def refused(*files: Path) -> str:
    with pytest.raises(CommandError) as error:
        apply(*files)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def test_the_example_is_planned_then_applied_then_there_is_nothing_to_do() -> None:
    plan = planned(EXAMPLE)
    assert [table.objects.count() for table in EVERYTHING] == [0] * len(EVERYTHING)
    assert "+ model sheet-surface" in plan
    assert "30-models.yaml:1)" in plan
    assert "whsec" not in plan

    done = apply(EXAMPLE)

    assert done.replace("created", "to create").split("\n")[:-2] == plan.split("\n")[:-2]
    assert apply(EXAMPLE) == apply(EXAMPLE, plan=True) == "No change.\n"
    model = RegisteredModel.objects.get()
    assert (model.kind, model.label_set.slug, model.target_accuracy) == ("classification", "surface", 0.96)
    assert model.label_set.labels.get(slug="hairline").parent == model.label_set.labels.get(slug="scratch")
    assert model.review_policy.blocking_minutes == 5
    assert model.designs.get().rules["blocking_labels"] == ["crack"]
    assert Site.objects.get(slug="stuttgart").shifts[1] == {"name": "late", "start": "14:00"}
    assert Webhook.objects.get().secret == "whsec_from-the-vault"
    assert set(Membership.objects.values_list("user__username", "role")) == {
        ("alice", "inspector"), ("bob", "inspector"), ("bob", "adjudicator"), ("lena", "lead"),
        ("line-3", "integration"),
    }  # fmt: skip


def test_a_change_is_shown_field_by_field_and_what_the_files_do_not_say_stays(fleet: Path) -> None:
    apply(fleet)
    ReviewPolicy.objects.update(lease_seconds=77)
    edit(fleet, "30-models.yaml", "min_new_labels: 300", "min_new_labels: 250")
    edit(fleet, "20-plants.yaml", "name: Line 3\n", "name: Third line\n")

    plan = planned(fleet)

    assert "~ retraining policy of sheet-surface" in plan
    assert "    min_new_labels: 300 -> 250" in plan
    assert "    name: 'Line 3' -> 'Third line'" in plan
    assert "0 to create, 2 to change." in plan
    before = RetrainingPolicy.objects.get().updated_at
    apply(fleet)
    policy = RetrainingPolicy.objects.get()
    assert (policy.min_new_labels, policy.monthly_budget) == (250, 8)
    assert policy.updated_at > before
    assert ReviewPolicy.objects.get().lease_seconds == 77


def test_a_design_that_was_drawn_with_stays_and_the_change_is_the_next_one(fleet: Path) -> None:
    apply(fleet)
    edit(fleet, "30-models.yaml", "budget: 0.03", "budget: 0.1")
    apply(fleet)
    assert SamplingDesign.objects.get().budget == 0.1
    make.make_selection(inspection=make.make_inspection(), registered_model=RegisteredModel.objects.get())
    edit(fleet, "30-models.yaml", "budget: 0.1", "budget: 0.2")

    assert "    design: 1 -> 2" in planned(fleet)
    apply(fleet)

    assert list(SamplingDesign.objects.order_by("number").values_list("budget", "is_active")) == [
        (0.1, False),
        (0.2, True),
    ]
    first, second = SamplingDesign.objects.order_by("number")
    assert first.secret != second.secret
    assert second.rules["certainty_below"] == 0.6
    assert apply(fleet) == "No change.\n"


def test_a_set_in_use_gets_a_next_version_with_the_mapping_and_the_model_moves_to_it(fleet: Path) -> None:
    apply(fleet)
    model = RegisteredModel.objects.get()
    make.make_prediction(version=model.versions.get(), label="hairline")
    edit(
        fleet,
        "10-labels.yaml",
        "slug: hairline, name: Hairline scratch, parent: scratch",
        "slug: fine_line, was: hairline, name: Fine line, parent: scratch",
    )
    edit(fleet, "10-labels.yaml", "severity: 3", "severity: 2")
    edit(fleet, "30-models.yaml", "certainty_labels: [hairline]", "certainty_labels: [fine_line]")

    assert "    version: 1 -> 2" in planned(fleet)
    apply(fleet)

    old, new = LabelSet.objects.order_by("version")
    assert new.replaces == old
    assert set(old.labels.values_list("slug", "severity")) >= {("hairline", 1), ("crack", 3)}
    assert set(new.labels.values_list("slug", "severity")) >= {("fine_line", 1), ("crack", 2)}
    mapped = dict(LabelMapping.objects.filter(label_set=new).values_list("old_label__slug", "new_label__slug"))
    assert mapped == {"ok": "ok", "scratch": "scratch", "hairline": "fine_line", "crack": "crack"}
    model.refresh_from_db()
    assert model.label_set == new
    assert apply(fleet) == "No change.\n"


def test_words_and_keys_of_a_set_in_use_change_in_place_and_a_label_that_leaves_maps_to_nothing(fleet: Path) -> None:
    apply(fleet)
    make.make_prediction(version=ModelVersion.objects.get(), label="hairline")
    edit(fleet, "10-labels.yaml", 'hotkey: "1"', 'hotkey: "9"')
    edit(fleet, "10-labels.yaml", 'hotkey: "2"', 'hotkey: "1"')
    edit(fleet, "10-labels.yaml", "de: Kratzer", "de: Riss")
    apply(fleet)
    assert dict(LabelSet.objects.get().labels.values_list("slug", "hotkey")) == {
        "ok": "9",
        "scratch": "1",
        "hairline": "3",
        "crack": "4",
    }

    text = (fleet / "10-labels.yaml").read_text().splitlines()
    (fleet / "10-labels.yaml").write_text("\n".join(line for line in text if "hairline" not in line))
    edit(fleet, "30-models.yaml", "certainty_labels: [hairline]", "certainty_labels: []")
    apply(fleet)

    assert LabelSet.objects.count() == 2
    assert LabelMapping.objects.get(old_label__slug="hairline").new_label is None
    assert apply(fleet) == "No change.\n"


def test_all_that_is_wrong_is_said_at_once_with_file_line_and_field(fleet: Path) -> None:
    edit(fleet, "10-labels.yaml", "severity: 3", "severity: 4")
    edit(fleet, "10-labels.yaml", 'hotkey: "1"', "hotkey: 1")
    edit(fleet, "20-plants.yaml", "time_zone: Europe/Berlin", "timezone: Europe/Berlin")
    edit(fleet, "30-models.yaml", "blind_share: 0.2", "blind_share: 1.2")
    edit(fleet, "40-webhooks.yaml", "kind: webhook", "kind: hook")
    (fleet / "50-more.yaml").write_text("kind: site\nslug: a\nslug: b\n---\n[1, 2\n")

    said = refused(fleet)

    for line in (
        "10-labels.yaml:6: labels[0].hotkey: Expected `str`, got `int`.",
        "10-labels.yaml:9: labels[3].severity: Expected `int` <= 3.",
        "20-plants.yaml:4: timezone: Not known here. Known: slug, name, time_zone, shifts, stations, members.",
        "30-models.yaml:16: review.blind_share: Expected `float` <= 1.0.",
        "40-webhooks.yaml:1: kind: Each document has a kind: site, label_set, model, webhook.",
        "50-more.yaml:3: slug: Stands here twice.",
    ):
        assert line in said
    assert "50-more.yaml:6: file:" in said
    assert not LabelSet.objects.exists()


def test_what_only_the_database_knows_is_said_at_once_too_and_nothing_is_half_done(fleet: Path) -> None:
    edit(fleet, "20-plants.yaml", "Europe/Lisbon", "Europe/Lissabon")
    edit(fleet, "30-models.yaml", "alice: [inspector]", "alicia: [inspector]")
    edit(fleet, "40-webhooks.yaml", "review.settled", "review.done")

    said = refused(fleet)

    assert "20-plants.yaml:21: time_zone: Europe/Lissabon is no time zone" in said
    assert "members.alicia: There is no user alicia." in said
    assert "events: Not known: review.done." in said
    assert "3 problems. Nothing was changed." in said
    assert [table.objects.count() for table in EVERYTHING] == [0] * len(EVERYTHING)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("30-models.yaml", "label_set: surface", "label_set: paint", "label_set: There is no label set paint."),
        ("30-models.yaml", "blocking_labels: [crack]", "blocking_labels: [crak]", "Not in the label set: crak."),
        ("10-labels.yaml", 'hotkey: "2"', 'hotkey: "1"', "Two labels have the key “1”."),
        ("10-labels.yaml", 'hotkey: "2"', 'hotkey: "z"', "The review station uses this key itself."),
        ("10-labels.yaml", "parent: scratch", "parent: scrach", "“scrach” is not in the set."),
        ("40-webhooks.yaml", "MES_WEBHOOK_SECRET", "NO_SUCH_SECRET", "The environment has no NO_SUCH_SECRET."),
        ("20-plants.yaml", "06:00", "26:00", "Shifts are a list like"),
        ("30-models.yaml", "votes_needed: 1", "votes_needed: 0", "review.votes_needed: Ensure this value"),
    ],
)
def test_a_reference_or_a_value_that_does_not_fit_is_refused(
    fleet: Path, name: str, old: str, new: str, said: str
) -> None:
    edit(fleet, name, old, new)

    assert said in refused(fleet)
    assert not Label.objects.exists()


def test_letting_parts_pass_that_nobody_has_looked_at_carries_a_name(fleet: Path) -> None:
    edit(fleet, "30-models.yaml", "blocking_default: hold", "blocking_default: pass")
    assert "review.blocking_default: Letting parts pass carries a person's name: say --by USERNAME." in refused(fleet)

    call_command("apply", str(fleet), by="lena", stdout=io.StringIO())
    assert ReviewPolicy.objects.get().default_pass_by == make.make_user("lena")
    assert apply(fleet) == "No change.\n"

    edit(fleet, "30-models.yaml", "blocking_default: pass", "blocking_default: reject")
    apply(fleet)
    assert ReviewPolicy.objects.get().default_pass_by is None


@pytest.mark.parametrize(
    ("table", "part"), [(ReviewPolicy, ReviewOf), (RetrainingPolicy, RetrainingOf), (PromotionPolicy, PromotionOf)]
)
def test_files_say_all_that_a_policys_form_does(table: Any, part: Any) -> None:
    in_the_form = {one.name for one in table._meta.fields if one.editable and not one.primary_key}

    assert set(part.__struct_fields__) == in_the_form - {"registered_model"}


def test_a_version_is_registered_and_never_changed(fleet: Path) -> None:
    apply(fleet)
    edit(fleet, "30-models.yaml", "score_kind: probabilities", "score_kind: anomaly")

    assert "a version is never changed" in refused(fleet)


def test_nothing_is_deleted(fleet: Path) -> None:
    apply(fleet)
    make.make_member("auditor", user=make.make_user("audrey"), registered_model=RegisteredModel.objects.get())
    (fleet / "40-webhooks.yaml").unlink()
    edit(fleet, "30-models.yaml", "  bob: [inspector, adjudicator]\n", "")

    assert apply(fleet) == "No change.\n"
    assert Membership.objects.filter(user__username__in=["bob", "audrey"]).count() == 3


def test_a_secret_that_changes_signs_beside_the_old_one(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(fleet)
    monkeypatch.setenv("MES_WEBHOOK_SECRET", "whsec_a-new-one")

    assert "secret: '(as it was)' -> '(as MES_WEBHOOK_SECRET says)'" in planned(fleet)
    apply(fleet)

    webhook = Webhook.objects.get()
    assert (webhook.secret, webhook.former_secret) == ("whsec_a-new-one", "whsec_from-the-vault")


def test_what_is_exported_changes_nothing_when_it_is_applied(fleet: Path, tmp_path: Path) -> None:
    apply(fleet)
    make.make_model(slug="untouched", retraining={"min_new_labels": 7})
    PromotionPolicy.objects.update(min_first_accuracy=0.7)
    call_command("export_config", str(tmp_path / "out"), stdout=io.StringIO())

    assert apply(tmp_path / "out") == "No change.\n"
    assert "whsec" not in "".join(file.read_text() for file in (tmp_path / "out").iterdir())


def test_an_installation_can_be_written_down_and_made_anew(tmp_path: Path, fleet: Path) -> None:
    """Export of one installation, applied to an empty one, exported again: the same files."""
    apply(fleet)
    call_command("export_config", str(tmp_path / "one"), stdout=io.StringIO())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE labeling_site, models_registry_labelset, models_registry_webhook CASCADE")
    assert not RegisteredModel.objects.exists()

    apply(tmp_path / "one")
    call_command("export_config", str(tmp_path / "two"), stdout=io.StringIO())

    for file in (tmp_path / "one").iterdir():
        assert file.read_text() == (tmp_path / "two" / file.name).read_text()


def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    levels = [f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join([f'*{chr(96 + n)}'] * 9)}]" for n in range(1, 9)]
    (tmp_path / "bomb.yaml").write_text("\n".join(["kind: site", "a: &a [x, x]", *levels]))

    assert "more than 100000 values" in refused(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_who_applies_at_the_same_time_goes_one_after_the_other() -> None:
    said: list[Any] = all_done([partial(apply, EXAMPLE)] * 4)

    assert sorted(one == "No change.\n" for one in said) == [False, True, True, True]
    assert LabelSet.objects.count() == SamplingDesign.objects.count() == RegisteredModel.objects.count() == 1
