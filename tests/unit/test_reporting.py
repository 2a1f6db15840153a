"""What a report says in words, what is frozen and hashed of it, and its page."""

from __future__ import annotations

import json
from typing import Any

import pypdfium2
import pytest

from models_registry.estimation.finite import finite_share
from models_registry.reporting import wording
from models_registry.reporting.chart import scale
from models_registry.reporting.content import (
    Content,
    Figure,
    content_hash,
    frozen,
    overturned,
    read_content,
    share_figure,
)
from models_registry.reporting.face import markup
from models_registry.reporting.page import Issued, report_pdf
from models_registry.reporting.table import report_csv


def figure(**fields: Any) -> Figure:
    said = {
        "key": "accuracy", "name": "Labelled right", "value": 0.953, "low": 0.93, "high": 0.969, "bound": 0.934,
        "n": 300, "n_found": 14, "of": 816, "method": "srs_wilson_fpc",
    }  # fmt: skip
    return Figure(**{**said, **fields})


def content(**fields: Any) -> Content:
    said = {
        "kind": "audit", "model": {"slug": "steel", "name": "Strip"}, "version": {"id": 1, "number": 1, "name": "v7"},
        "label_set": {"id": 1, "slug": "steel", "version": 1}, "window": {"words": "816 parts"},
        "code_version": "finite-1", "designs": [], "evaluations": [], "facts": [("Judged", "300")],
        "figures": [figure()], "can": ["14 errors in 300."], "cannot": ["10 ppm cannot be shown."],
        "truth": [("dent", "ok", 14), ("ok", "ok", 286)],
    }  # fmt: skip
    return Content(**{**said, **fields})


ISSUED = Issued(title="Strip", number=3, sha256="ab" * 32, signed_by="Lena Berg", signed_at="2026-11-24 10:00 UTC")


def text_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pages).split())


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9531, "95.3 %"), (0, "0 %"), (1, "100 %"), (0.0043, "0.43 %"), (0.00012, "0.012 %"), (0.005, "0.5 %"),
     (0.99999, "99.9990 %"), (0.9994, "99.9 %")],
)  # fmt: skip
def test_shares_are_told_with_the_digits_that_they_need(share: float, text: str) -> None:
    assert wording.percent(share) == text


def test_what_sampling_cannot_show_is_said_aloud() -> None:
    assert wording.rule_of_three(300) == (
        "10 ppm cannot be shown by sampling: 300 reviews without an error show at most 1 %. "
        "For 10 ppm 300,000 reviews without an error would be needed."
    )


@pytest.mark.parametrize(
    ("found", "n", "of", "told"),
    [
        (0, 300, 20_000, "No error in 300 judged parts: at most 0.98 % of the 20,000 parts, that is 197, are wrong"),
        (2, 300, 20_000, "2 errors in 300 judged parts is too few for an estimate: at most"),
        (14, 300, 816, "14 errors in 300 judged parts: of the 816 parts between 25 and 57 are labelled wrongly"),
        (4, 40, 40, "All 40 parts were judged, so the number is exact for them: 4 are labelled wrongly."),
    ],
)
def test_the_finding_is_one_sentence(found: int, n: int, of: int, told: str) -> None:
    share = finite_share(found=found, n=n, n_population=of)
    assert wording.errors_found(share, n=n, found=found, of=of, bound_only=found < 3 and n < of).startswith(told)


@pytest.mark.parametrize(
    ("n", "told"),
    [(300, "Both cannot be true"), (3, "Both can be true: complaints come late"), (60, "Both can be true.")],
)
def test_complaints_stand_beside_the_measurement_with_whether_both_can_be_true(n: int, told: str) -> None:
    said = wording.complaints_fit(n_complaints=n, most_escapes=90.2, least_escapes=40.0, passed=9000)
    assert told in said
    assert f"{n} returned or complained-about parts of 9,000 passed" in said


def test_a_changed_label_leaves_one_count_for_another_and_new_ones_are_told_apart() -> None:
    before = [("ok", "ok", 100), ("dent", "ok", 3)]
    assert overturned(before, [("ok", "ok", 97), ("dent", "ok", 6)]) == (3, 0)
    assert overturned(before, [("ok", "ok", 110), ("dent", "ok", 3)]) == (0, 10)
    assert overturned(before, [("ok", "ok", 99), ("dent", "ok", 3)]) == (1, 0)
    assert overturned(before, before) == (0, 0)


def test_the_hash_is_that_of_the_values_whatever_the_order_of_keys_or_the_last_digits() -> None:
    plain = frozen(content(figures=[figure(value=0.95300000000012)]))
    assert content_hash(plain) == content_hash(json.loads(json.dumps(dict(reversed(list(plain.items()))))))
    assert content_hash(plain) == content_hash(frozen(content()))
    assert content_hash(frozen(content(can=["15 errors."]))) != content_hash(plain)
    assert read_content(plain) == content()


def test_the_page_is_one_page_with_the_number_its_interval_and_its_limits() -> None:
    pdf = report_pdf(content(), ISSUED)
    assert len(pypdfium2.PdfDocument(pdf)) == 1
    text = text_of(pdf)
    for said in ("95.3 %", "93.0 % to 96.9 %", "10 ppm cannot", "Signed by Lena Berg", "ab" * 32, "Report 3"):
        assert said in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert report_pdf(content(), ISSUED) == report_pdf(content(), ISSUED)


def test_markup_in_names_is_text_and_foreign_letters_are_kept() -> None:
    text = text_of(report_pdf(content(can=["<b>Öl & Rost</b> żółć Ржавчина"]), ISSUED))
    assert "<b>Öl & Rost</b> żółć Ржавчина" in text
    assert markup("缺陷 ok") == '<font name="STSong-Light">缺陷</font> ok'
    assert markup("\U0001f600") == "□"


def test_a_long_report_goes_on_on_a_second_page() -> None:
    long = content(cannot=["What it cannot say goes on and on in this sentence."] * 20, facts=[("Name", "value")] * 24)
    figures = [figure(key=f"label:{number}", name=f"Label {number}") for number in range(25)]
    assert len(pypdfium2.PdfDocument(report_pdf(content(figures=figures), ISSUED))) == 2
    assert len(pypdfium2.PdfDocument(report_pdf(long, ISSUED))) >= 1


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None, "low": None, "high": None, "n": 0, "n_found": 0},
        {"bound_only": True},
        {"low": 0.953, "high": 0.953},
        {"unit": "money", "currency": "EUR", "value": 12.5, "low": 9.0, "high": 18.0},
    ],
)
def test_every_kind_of_number_has_a_page(fields: dict[str, Any]) -> None:
    assert report_pdf(content(figures=[figure(**fields)]), ISSUED).startswith(b"%PDF")


@pytest.mark.parametrize(("low", "high"), [(0.93, 0.97), (0.9999, 1.0), (0.0, 1.0), (0.5, 0.5), (0.0, 0.0)])
def test_the_scale_holds_the_interval_at_round_numbers(low: float, high: float) -> None:
    least, most, ticks = scale(low, high, is_share=True)
    assert 0 <= least <= low <= high <= most <= 1
    assert 3 <= len(ticks) <= 8


def test_the_table_has_every_figure_and_count_and_runs_nothing_in_a_spreadsheet() -> None:
    share = share_figure(
        finite_share(found=3, n=100, n_population=900), key="escapes", name="=1+1", n=100, found=3, of=900, method="m"
    )  # fmt: skip
    lines = report_csv(content(figures=[figure(), share])).splitlines()
    assert lines[0] == "what,name,value,low,high,bound_95,unit,judged,found,of,method"
    assert lines[1] == "figure,Labelled right,0.953,0.93,0.969,0.934,share,300,14,816,srs_wilson_fpc"
    assert "'=1+1" in lines[2]
    assert "count,dent said as ok,14,,,,parts,,,," in lines
