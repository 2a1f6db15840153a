"""How figures are written."""

from __future__ import annotations

import pytest

from models_registry.templatetags.figures import amount, money, odds


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (118.2, "118 to 1"), (1.0, "1 to 1"), (0.17, "1 to 6"), (21_321.0, "21,321 to 1"),
        (1e40, "over 1,000,000 to 1"), (0.0, "1 to over 1,000,000"), (1e-9, "1 to over 1,000,000"), (None, ""),
    ],
)  # fmt: skip
def test_evidence_is_written_as_a_bet(evidence: float | None, words: str) -> None:
    assert odds(evidence) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1083.4, "1,080"), (8.63, "8.6"), (0.0421, "0.042"), (0, "0"), (97.04, "97.0"), (999.6, "1,000"), (None, "")],
)
def test_an_estimated_amount_has_about_three_digits(value: float | None, words: str) -> None:
    assert amount(value) == words


def test_money_has_its_sign_and_points_have_none() -> None:
    assert money(1083.4, "EUR") == "€\u00a01,080"
    assert money(1083.4, "CHF") == "CHF\u00a01,080"
    assert money(12.0, "XXX") == "12.0 points"
