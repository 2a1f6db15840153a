"""Candidate and champion side by side, image by image."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from models_registry.comparison.told import Told, chosen, confusions, counts, decode, encode
from models_registry.models import Comparison
from models_registry.services.comparison_pairs import keep_pairs, pairs_of
from models_registry.services.dataset_files import open_dataset
from models_registry.services.sides import Sides
from tests import factories as make
from tests.models_registry.test_run_page import text_of

pytestmark = pytest.mark.django_db


def told(inspection: str, truth: str, champion: str, candidate: str, sure: float = 0.9) -> Told:
    return Told(inspection, inspection, "", truth, champion, candidate, 0.8, sure, 0.5)


SAID = [
    told("right", "ok", "ok", "ok"),
    told("fixed", "dent", "ok", "dent"),
    told("unsure", "ok", "ok", "dent", 0.6),
    told("broken", "ok", "ok", "dent"),
    told("both", "dent", "ok", "ok"),
]


def test_what_was_broken_comes_first_and_what_both_got_right_only_when_asked_for() -> None:
    assert decode(encode(SAID)) == SAID
    assert [one.inspection for one in chosen(SAID, kind="", label="")] == ["broken", "unsure", "fixed", "both"]
    assert [one.inspection for one in chosen(SAID, kind="both_right", label="")] == ["right"]
    assert chosen(SAID, kind="fixed", label="scratch") == []
    assert counts(SAID) == {"broken": 2, "fixed": 1, "both_wrong": 1, "both_right": 1}
    ok, dent = confusions(SAID, ["scratch", "ok", "dent"])
    assert (ok[0], [(cell.before, cell.after) for cell in ok[1]]) == ("ok", [(3, 1), (0, 2)])
    assert [cell.change for cell in dent[1]] == [-1, 1]


@pytest.fixture
def comparison() -> Comparison:
    """Three held-out inspections: one right, one broken, one both wrong."""
    champion = make.make_version()
    model = champion.registered_model
    dataset = make.make_frozen(registered_model=model)
    candidate = make.make_version(registered_model=model, stage="candidate")
    held = [row for row in open_dataset(dataset)[1] if row.partition == "holdout"]
    truth, old, new = (
        np.array(words, dtype=np.str_)
        for words in (["ok", "ok", "dent"], ["ok", "ok", "ok"], ["ok", "scratch", "scratch"])
    )
    sides = Sides(truth, old, new, np.ones(3), np.full(3, 0.75), np.full(3, 0.875))
    counted = {"n": 3, "n_fixed": 0, "n_broken": 1, "n_both_wrong": 1, "n_both_right": 1}
    return make.make_comparison(
        candidate=candidate, champion=champion, dataset=dataset, pairs=keep_pairs(held, sides), **counted
    )


def test_the_page_shows_each_with_both_words_and_narrows(client: Client, comparison: Comparison) -> None:
    client.force_login(make.make_member("auditor", registered_model=comparison.candidate.registered_model))
    page = text_of(client, comparison.get_absolute_url())
    assert "It was OK P7 Right: v1: OK 75 % Wrong: v2: Scratch 88 %" in page
    assert "Broken 1 B Fixed 0 F Both wrong 1 W Both right 1 R" in page
    assert "2 images" in page
    narrowed = text_of(client, f"{comparison.get_absolute_url()}?kind=both_wrong&label=dent")
    assert ("P11" in narrowed, "P7" in narrowed) == (True, False)
    assert "No image of this kind" in text_of(client, f"{comparison.get_absolute_url()}?kind=fixed")
    assert [one.kind for one in pairs_of(comparison)] == ["both_right", "broken", "both_wrong"]


def test_what_was_not_kept_or_is_gone_is_said(client: Client, comparison: Comparison) -> None:
    client.force_login(make.make_member("auditor", registered_model=comparison.candidate.registered_model))
    Comparison.objects.filter(pk=comparison.pk).update(pairs=f"comparisons/{'0' * 64}.jsonl")
    assert "What they said cannot be read. The file" in text_of(client, comparison.get_absolute_url())
    Comparison.objects.filter(pk=comparison.pk).update(pairs="")
    assert "What they said of each image was not kept" in text_of(client, comparison.get_absolute_url())
