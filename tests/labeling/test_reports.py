"""A report says what was known, under a name, and never changes; what changes later is a dated addendum below it."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.models import DispositionRecord, GroundTruth, Inspection, Prediction, Tally
from labeling.reports.addenda import amend
from labeling.reports.issuing import issue_report
from labeling.tasks import amend_reports
from labeling.windows import Window
from models_registry.models import Event, ModelVersion, Report, ReportAddendum
from models_registry.reporting.content import Figure, content_hash, read_content
from models_registry.services.costs import set_costs
from models_registry.services.reports import pdf_of
from reviewapp.errors import Conflict, ReviewAppError

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = date(2026, 11, 23)
WINDOW = Window(DAY, DAY)


class Line:
    """A line at a plant, its champion, and parts that were all drawn with an even chance."""

    def __init__(self) -> None:
        self.version: ModelVersion = make.make_version(external_name="cam-net-7")
        self.model = self.version.registered_model
        self.source = make.make_source(station=make.make_station(site=make.make_site(name="Plant A")))
        self.lena = make.make_member("lead", registered_model=self.model)

    def parts(self, n: int, *, said: str, true: str | None, drawn: bool = True, **fields: Any) -> list[Inspection]:
        """``n`` parts that passed or were rejected as the model said; what they are, where somebody looked."""
        parts = make.make_judged(
            version=self.version, n=n, said=said, truth=true, drawn=drawn, source=self.source, day=DAY, **fields
        )
        made = {one.inspection_id: one for one in Prediction.objects.filter(inspection__in=parts)}
        disposition = "pass" if said == "ok" else "reject"
        DispositionRecord.objects.bulk_create(
            DispositionRecord(inspection=part, prediction=made[part.pk], disposition=disposition, created_at=NOW)
            for part in parts
        )
        return parts

    def ordinary(self) -> Line:
        """100 judged parts with 6 errors, and as many that nobody drew."""
        self.parts(60, said="ok", true="ok")
        self.escaped = self.parts(4, said="ok", true="dent")
        self.parts(34, said="dent", true="dent")
        self.parts(2, said="dent", true="ok")
        self.parts(100, said="ok", true=None, drawn=False)
        return self

    def issue(self, **fields: Any) -> Report:
        said = {"version": None, "window": WINDOW, "by": self.lena, "now": NOW + timedelta(hours=2), **fields}
        return issue_report(registered_model=self.model, **said)

    def complain(self, parts: list[Inspection]) -> None:
        for part in parts:
            make.make_outcome(registered_model=self.model, inspection=part, label="dent")


@pytest.fixture
def line() -> Line:
    return Line().ordinary()


def figure(report: Report, key: str) -> Figure:
    (found,) = [one for one in read_content(report.content).figures if one.key == key]
    return found


def test_it_is_measured_from_what_was_drawn_and_signed_by_a_person(line: Line) -> None:
    report = line.issue()
    accuracy = figure(report, "accuracy")
    assert (accuracy.n, accuracy.n_found, accuracy.of) == (100, 6, 200)
    assert accuracy.value == pytest.approx(0.94)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < 0.94 < accuracy.high
    assert (report.number, report.signed_by, report.kind) == (1, line.lena, "period")
    assert report.evaluations.get().slice == f"report/{DAY}/{DAY}"
    assert report.sha256 == content_hash(Report.objects.get().content)


def test_it_names_its_days_sites_designs_label_set_and_code(line: Line) -> None:
    content = read_content(line.issue().content)
    assert content.window["words"] == "production days 2026-11-23"
    assert ("Days and shifts of", "Plant A (Europe/Berlin)") in content.facts
    assert content.designs == [{"id": line.model.designs.get().pk, "number": 1, "code_version": "routing-2"}]
    assert content.label_set["id"] == line.model.label_set_id
    assert content.code_version == "report-1"


def test_escapes_are_given_for_passed_parts_with_complaints_beside_them(line: Line) -> None:
    line.complain(line.escaped[:2])
    report = line.issue()
    escapes = figure(report, "escapes")
    assert (escapes.n_found, escapes.of) == (4, 164)
    complaints = report.content["complaints"]
    assert (complaints["n"], complaints["by_origin"], complaints["n_passed"]) == (2, {"complaint": 2}, 164)
    assert "2 returned or complained-about parts of 164 passed" in complaints["words"]
    assert "Both can be true" in complaints["words"]
    assert complaints["words"] in report.content["can"]


def test_more_complaints_than_the_measurement_allows_cannot_both_be_true() -> None:
    line = Line()
    line.parts(400, said="ok", true="ok")
    line.complain(line.parts(40, said="ok", true=None, drawn=False))
    assert "Both cannot be true" in line.issue().content["complaints"]["words"]


def test_complaints_move_no_number(line: Line) -> None:
    before = line.issue()
    line.complain(line.parts(0, said="ok", true=None) + line.escaped)
    assert figure(line.issue(), "accuracy") == figure(before, "accuracy")


def test_errors_are_priced_where_there_are_prices(line: Line) -> None:
    assert [one for one in read_content(line.issue().content).figures if one.unit == "money"] == []
    set_costs(
        registered_model=line.model, currency="EUR", escape=Decimal(50), overkill=Decimal(5), confusion=Decimal(1),
        by=line.lena, now=NOW,
    )  # fmt: skip
    cost = figure(line.issue(), "cost")
    assert (cost.currency, cost.unit) == ("EUR", "money")
    assert cost.value is not None
    assert cost.value == pytest.approx((2 * 4 * 50 + 2 * 2 * 5) / 200, rel=0.05)


def test_other_days_are_not_counted(line: Line) -> None:
    with pytest.raises(Conflict, match="arrived on these days") as refusal:
        line.issue(window=Window(DAY - timedelta(days=9), DAY - timedelta(days=1)))
    assert refusal.value.code == "nothing_arrived"


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [(DAY, DAY - timedelta(days=1), "last_day"), (DAY, DAY + timedelta(days=9), "last_day"),
     (DAY - timedelta(days=400), DAY, "first_day"), (date.min, date.max, "last_day")],
)  # fmt: skip
def test_days_that_no_report_speaks_of_are_refused(line: Line, first: date, last: date, field: str) -> None:
    with pytest.raises(ReviewAppError) as refusal:
        line.issue(window=Window(first, last))
    assert list(refusal.value.fields) == [field]
    assert not Report.objects.exists()


def test_without_a_champion_the_version_is_named(line: Line) -> None:
    ModelVersion.objects.update(stage="observed")
    with pytest.raises(Conflict, match="has no champion"):
        line.issue()
    assert line.issue(version=line.version).model_version == line.version


def test_what_is_not_settled_is_said_with_both_ends(line: Line) -> None:
    line.parts(20, said="ok", true=None)
    cannot = " ".join(line.issue().content["cannot"])
    assert "Some drawn parts are not settled: if all of them were wrong it would be" in cannot


def test_a_day_without_a_verdict_has_a_report_without_a_number() -> None:
    line = Line()
    line.parts(20, said="ok", true=None)
    report = line.issue()
    assert figure(report, "accuracy").value is None
    assert "Nothing was judged, so there is no number." in report.content["cannot"]
    assert pdf_of(report).startswith(b"%PDF")


def test_overturned_labels_become_an_addendum_and_the_report_stays(line: Line) -> None:
    report = line.issue()
    before = dict(report.content)
    page = pdf_of(report)
    assert amend(report, now=NOW + timedelta(days=1)) is None
    truths = GroundTruth.objects.filter(registered_model=line.model, inspection__in=line.escaped[:3])
    truths.update(label=make.label_of(line.model, "ok"))
    addendum = amend(report, now=NOW + timedelta(days=2))
    assert addendum is not None
    assert addendum.message.startswith("3 labels were overturned since: Labelled right would now be 97.0 % (")
    report.refresh_from_db()
    assert (report.content, report.sha256) == (before, content_hash(before))
    assert pdf_of(report) != page
    assert amend(report, now=NOW + timedelta(days=3)) is None


def test_late_verdicts_and_complaints_are_told_apart_from_overturned_labels(line: Line) -> None:
    open_ = line.parts(2, said="ok", true=None)
    report = line.issue()
    make.make_ground_truth(registered_model=line.model, inspection=open_[0], label="ok")
    line.complain(line.escaped[:1])
    addendum = amend(report, now=NOW + timedelta(days=1))
    assert addendum is not None
    assert addendum.message.startswith("1 more was settled and 1 more part came back since: Labelled right would now")


def test_labels_that_are_turned_back_are_noted_too(line: Line) -> None:
    report = line.issue()
    truth = GroundTruth.objects.filter(inspection=line.escaped[0])
    truth.update(label=make.label_of(line.model, "ok"))
    amend(report, now=NOW + timedelta(days=1))
    truth.update(label=make.label_of(line.model, "dent"))
    addendum = amend(report, now=NOW + timedelta(days=2))
    assert addendum is not None
    assert addendum.message == "All labels stand again as they did when the report was issued."
    assert addendum.number == 2


def test_the_clock_and_the_command_look_at_every_report(line: Line) -> None:
    line.issue()
    GroundTruth.objects.filter(inspection=line.escaped[0]).update(label=make.label_of(line.model, "ok"))
    amend_reports()
    assert ReportAddendum.objects.get().message.startswith("1 label was overturned")
    out = io.StringIO()
    call_command("amend_reports", "--model", line.model.slug, stdout=out)
    assert out.getvalue() == "1 looked at.\n"


def test_who_subscribed_hears_of_the_report_and_of_its_addenda(line: Line) -> None:
    make.make_webhook(registered_model=line.model, events=["report.issued"])
    report = line.issue()
    GroundTruth.objects.filter(inspection=line.escaped[0]).update(label=make.label_of(line.model, "ok"))
    amend(report, now=NOW + timedelta(days=1))
    assert list(Event.objects.order_by("pk").values_list("name", "object_id")) == [
        ("report.issued", f"report/{report.pk}"),
        ("report.issued", f"report/{report.pk}"),
    ]
    assert f'"sha256":"{report.sha256}"' in Event.objects.earliest("pk").body
    assert "1 label was overturned" in Event.objects.latest("pk").body


class Desk:
    """lena at her browser, and as a client of the API."""

    def __init__(self, line: Line) -> None:
        self.line, self.client = line, Client()
        self.client.force_login(line.lena)
        self.days = {"first_day": str(DAY), "last_day": str(DAY)}

    def post(self, **fields: Any) -> Any:
        address = f"/api/v1/models/{self.line.model.slug}/reports/"
        return self.client.post(address, {**self.days, **fields}, content_type="application/json")


@pytest.fixture
def desk(line: Line) -> Desk:
    return Desk(line)


def test_the_api_issues_lists_and_gives_it_with_page_and_table(desk: Desk) -> None:
    issued = desk.post(version="cam-net-7")
    assert issued.status_code == 201
    said = issued.json()
    assert (said["number"], said["signed_by"], said["first_day"]) == (1, "lena", "2026-11-23")
    assert said["content"]["figures"][0]["value"] == pytest.approx(0.94)
    (row,) = desk.client.get(f"/api/v1/reports/?model={desk.line.model.slug}").json()["results"]
    assert (row["id"], row["n_addenda"]) == (said["id"], 0)
    assert desk.client.get(f"/api/v1/reports/{said['id']}/").json() == said
    page = desk.client.get(f"/api/v1/reports/{said['id']}/pdf/", headers={"Accept": "application/pdf"})
    assert page["Content-Type"] == "application/pdf"
    assert page.content.startswith(b"%PDF")
    table = desk.client.get(f"/api/v1/reports/{said['id']}/csv/").content.decode()
    assert table.splitlines()[1].startswith("figure,Labelled right,0.94,")


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [({"first_day": "yesterday"}, 400, "first_day"), ({"last_day": "2026-11-22"}, 400, "last_day"),
     ({"last_day": "2199-01-01"}, 400, "last_day"), ({"version": "other"}, 404, "version"),
     ({"version": "\0"}, 400, "version"), ({"colour": "red"}, 400, "body")],
)  # fmt: skip
def test_what_is_wrong_with_the_question_is_named(desk: Desk, fields: dict[str, str], status: int, field: str) -> None:
    answer = desk.post(**fields)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (status, [field])
    assert not Report.objects.exists()


def test_a_lead_issues_it_on_the_page_and_reads_it_there(desk: Desk) -> None:
    answer = desk.client.post("/reports/", {"model": desk.line.model.slug, **desk.days}, follow=True)
    page = answer.content.decode()
    assert "Report 1 is issued under your name." in page
    for said in ("94.0 %", "Where it was wrong", "What this cannot show", "10 ppm cannot be shown", "Plant A"):
        assert said in page
    report = Report.objects.get()
    assert f"{report.sha256}" in page
    assert "94.0 % (" in desk.client.get("/reports/").content.decode()
    assert desk.client.get(f"/reports/{report.pk}/report.pdf").content == pdf_of(report)


def test_the_form_offers_whole_days_and_today_where_there_is_nothing_older(desk: Desk) -> None:
    today = timezone.now().date()
    part = make.make_prediction(version=make.make_version(stage="champion"))
    model = part.model_version.registered_model
    lead = make.make_member("lead", user=make.make_user("new-lead"), registered_model=model)
    Inspection.objects.filter(pk=part.inspection_id).update(day=today)
    make.make_selection(inspection=part.inspection, registered_model=model)
    client = Client()
    client.force_login(lead)

    assert client.get("/reports/").context["said"]["last_day"] == str(today)

    Tally.objects.update(day=today - timedelta(days=3))
    assert client.get("/reports/").context["said"]["last_day"] == str(today - timedelta(days=1))


def test_a_refused_report_keeps_what_was_chosen_and_says_why(desk: Desk) -> None:
    answer = desk.client.post("/reports/", {"model": desk.line.model.slug, "first_day": "2026-01-05", "last_day": ""})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'value="2026-01-05"' in page
    assert "A day, for example" in page


def test_the_button_looks_for_changes_at_once(desk: Desk) -> None:
    report = desk.line.issue()
    address = f"/reports/{report.pk}/addenda/"
    assert "Nothing has changed since." in desk.client.post(address, follow=True).content.decode()
    GroundTruth.objects.filter(inspection=desk.line.escaped[0]).update(label=make.label_of(desk.line.model, "ok"))
    assert desk.client.post(address, follow=True).content.decode().count("1 label was overturned") == 2


def test_an_audits_report_has_addenda_like_any_other() -> None:
    audit = make.make_audit()
    part = make.make_inspection(station=audit.station)
    version = make.make_version(registered_model=audit.registered_model)
    make.make_selection(inspection=part, registered_model=audit.registered_model, design=audit.design)
    make.make_prediction(version=version, inspection=part, label="ok")
    truth = make.make_ground_truth(registered_model=audit.registered_model, inspection=part, label="ok")
    audit.model_version = version
    audit.report = make.make_report(version=version, kind="audit")
    audit.save()
    truth.label = make.label_of(audit.registered_model, "dent")
    truth.save()
    addendum = amend(audit.report, now=NOW)
    assert addendum is not None
    assert "were overturned" in addendum.message
