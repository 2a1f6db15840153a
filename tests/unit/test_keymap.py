"""Which key does what: never two meanings for one key, and a conflict names the other side."""

from __future__ import annotations

import itertools

import pytest

from labeling.keymap import ACTIONS, Keys, LabelKey, Refusal, resolve, why_refused

LABELS = [LabelKey("ok", "OK", "1"), LabelKey("scratch", "Scratch", "2"), LabelKey("dent", "Dent")]


def pressed(keys: Keys) -> list[str]:
    return [*itertools.chain.from_iterable(keys.actions.values()), *filter(None, keys.labels.values())]


def test_without_a_persons_own_all_keys_are_as_usual() -> None:
    keys = resolve(LABELS, {})
    assert keys.actions == {name: list(usual) for name, usual in ACTIONS.items()}
    assert keys.labels == {"ok": "1", "scratch": "2", "dent": "3"}


def test_a_persons_key_takes_the_place_of_the_first_and_the_second_stays() -> None:
    assert resolve(LABELS, {"undo": "q"}).actions["undo"] == ["q", "backspace"]


@pytest.mark.parametrize(
    "own",
    [
        {"unsure": "1"}, {"label:dent": "u", "unsure": "d"}, {"undo": "backspace"}, {"suggested": "2"},
        {"label:ok": "3", "label:gone": "x"}, {"zoom_in": "-", "zoom_out": "+"},
    ],
)  # fmt: skip
def test_no_key_ever_means_two_things(own: dict[str, str]) -> None:
    keys = pressed(resolve(LABELS, own))
    assert len(keys) == len(set(keys))


def test_a_label_whose_key_another_took_gets_the_next_free_digit() -> None:
    assert resolve(LABELS, {"unsure": "1"}).labels == {"ok": "3", "scratch": "2", "dent": "4"}


def test_a_set_that_wants_a_key_of_the_station_gets_a_digit() -> None:
    assert resolve([LabelKey("burr", "Burr", "B")], {}).labels == {"burr": "1"}


@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        ({"unsure": "z"}, {"unsure": Refusal("taken", "z", "undo")}),
        ({"unsure": "backspace"}, {"unsure": Refusal("taken", "backspace", "undo")}),
        ({"unsure": "2"}, {"unsure": Refusal("taken", "2", "label:scratch")}),
        ({"label:dent": "q", "label:ok": "q"}, {"label:ok": Refusal("taken", "q", "label:dent")}),
        ({"fly": "q"}, {"fly": Refusal("unknown")}),
    ],
)
def test_a_conflict_is_refused_and_names_the_other(own: dict[str, str], wrong: dict[str, Refusal]) -> None:
    assert why_refused(LABELS, own) == wrong


@pytest.mark.parametrize("key", ["", " ", "tab", "escape", "arrowleft", "Q", "qq", "\n", "\x00"])
def test_what_is_no_key_is_refused(key: str) -> None:
    assert why_refused(LABELS, {"unsure": key}) == {"unsure": Refusal("no_key", key)}


@pytest.mark.parametrize(
    "own", [{"unsure": "q"}, {"undo": "u", "unsure": "z"}, {"label:ok": "2", "label:scratch": "1"}]
)
def test_a_free_key_and_a_swap_are_taken(own: dict[str, str]) -> None:
    assert why_refused(LABELS, own) == {}
