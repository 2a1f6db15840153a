"""Versions with their lineage, and the card of each: facts by themselves, texts by people, files to take along."""

from __future__ import annotations

import pytest
from django.test import Client

from models_registry.lineage import Ancestry, lineage
from models_registry.models import CardText, ModelVersion
from models_registry.reporting.card import Card, Section, Written, card_markdown, card_pdf
from tests import factories as make
from tests.models_registry.test_run_page import candidate_of, text_of

COLUMNS = ("Dataset", "Run", "Version", "Decided")


def test_the_drawing_leads_from_each_dataset_to_its_run_and_down_to_its_parent() -> None:
    rows = [
        Ancestry(dataset=3, parent=2, run_name="Run 3", version_name="v2", decisions=["Champion"]),
        Ancestry(dataset=2, parent=1, run_name="Run 2", run_state="failed"),
        Ancestry(version_name="v1"),
    ]
    drawn = lineage(rows, COLUMNS)
    assert [(node.kind.split()[0], node.y) for node in drawn.nodes] == [
        ("dataset", 56), ("run", 56), ("version", 56), ("words", 56), ("dataset", 100), ("run", 100), ("version", 144),
    ]  # fmt: skip
    assert "M22 63V93" in drawn.edges  # to the parent, a row below
    assert f"M22 107V{drawn.height - 15}" in drawn.edges  # to one that is not in the drawing
    assert drawn.height == 34 + 3 * 44 + 8


def test_thirty_versions_do_not_lie_on_each_other() -> None:
    rows = [Ancestry(dataset=n, parent=n - 1, run_name=f"Run {n}", version_name=f"v{n}") for n in range(30, 0, -1)]
    drawn = lineage(rows, COLUMNS)
    places = [(node.x, node.y) for node in drawn.nodes]
    assert len(places) == len(set(places)) == 90
    assert min(abs(a - b) for a in {y for _, y in places} for b in {y for _, y in places} if a != b) >= 44


CARD = Card("Ring v2", "A ring", [Written("use", "Use", "For *rings*", "Lena"), Written("data", "Data", "")],
            [Section("Facts", [("A_b", "1 < 2 # x"), ("Empty", "")])], "Made now.")  # fmt: skip


def test_markdown_keeps_what_people_wrote_and_escapes_facts() -> None:
    text = card_markdown(CARD)
    assert "# Ring v2" in text
    assert "For *rings*" in text
    assert r"- **A\_b**: 1 \< 2 \# x" in text
    assert "## Data" not in text


def test_the_pdf_of_the_same_card_is_the_same_bytes() -> None:
    assert card_pdf(CARD) == card_pdf(CARD)
    assert card_pdf(CARD).startswith(b"%PDF")


@pytest.fixture
def candidate(db: None) -> ModelVersion:
    return candidate_of(make.make_model(slug="bearing", name="Bearing race"))


def test_the_card_gathers_facts_and_keeps_what_was_written_before(client: Client, candidate: ModelVersion) -> None:
    lena = make.make_member("lead", registered_model=candidate.registered_model)
    client.force_login(lena)
    address = f"/versions/{candidate.pk}/"
    for text in ("Rings of line 1.", "Rings of line 2.", "Rings of line 2. "):
        client.post(f"{address}card/", {"part": "use", "text": text})
    page = text_of(client, address)
    assert "Rings of line 2." in page
    assert "Against v1 +1.6 points (+0.3 to +2.9, 1,204 images): 41 fixed, 22 broken" in page
    assert "Learned from 300 Held out 100" in page
    assert "In production Not measured" in page
    assert list(candidate.card_texts.values_list("text", flat=True)) == ["Rings of line 2.", "Rings of line 1."]
    refused = client.post(f"{address}card/", {"part": "poem", "text": "x"})
    assert refused.status_code == 400
    assert b"Rings of line 2." in client.get(f"{address}card.md").content
    assert client.get(f"{address}card.pdf").content.startswith(b"%PDF")
    assert b"<h2>What it is meant for</h2>" in client.get(f"{address}card.html").content


def test_a_text_holds_for_later_versions_until_somebody_writes_another(client: Client, candidate: ModelVersion) -> None:
    model = candidate.registered_model
    lena = make.make_member("lead", registered_model=model)
    client.force_login(lena)
    make.make_card_text(version=model.versions.get(number=1), written_by=lena)
    assert "What it is meant for as written for v1 Pressed rings" in text_of(client, f"/versions/{candidate.pk}/")
    CardText.objects.create(version=candidate, part="use", text="", written_by=lena, written_at=make.NOW)
    assert "as written for v1" not in text_of(client, f"/versions/{candidate.pk}/")


def test_the_versions_page_draws_and_lists_versions_and_runs_that_made_none(
    client: Client, candidate: ModelVersion
) -> None:
    model = candidate.registered_model
    client.force_login(make.make_member("auditor", registered_model=model))
    make.make_run(registered_model=model, status="failed")
    page = text_of(client, "/models/bearing/versions/")
    assert "v2" in page
    assert "none Failed" in page
    empty = make.make_model(slug="new", name="New")
    make.make_member("auditor", registered_model=empty)
    assert "No version yet" in text_of(client, "/models/new/versions/")
