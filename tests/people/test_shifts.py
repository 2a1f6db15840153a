"""What a shift leaves behind: a pause, a note for the next one, a count of one's own, and figures that are off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.models import HandoverNote, Pause, PersonFigures, Pin, Review, Site
from labeling.people.figures import approve_figures, ask_for_figures, end_figures, figures_about, figures_of
from labeling.people.handover import end_of_next_shift, standing_notes, write_note
from labeling.people.pauses import begin_pause, end_pause
from reviewapp.errors import Conflict, NotAllowed, ReviewAppError
from tests import factories as make
from tests.together import all_done

pytestmark = pytest.mark.django_db
THREE = [{"name": "early", "start": "06:00"}, {"name": "late", "start": "14:00"}, {"name": "night", "start": "22:00"}]


def site(shifts: list[dict[str, str]], zone: str = "Europe/Berlin") -> Site:
    one = make.make_site()
    one.shifts, one.time_zone = shifts, zone
    one.save()
    return one


def berlin(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour - 1, tzinfo=UTC)  # winter time


@pytest.mark.parametrize(
    ("moment", "end"),
    [(berlin(23, 6), berlin(23, 14)), (berlin(23, 13), berlin(23, 14)), (berlin(23, 23), berlin(24, 6)),
     (berlin(24, 5), berlin(24, 6))],
)  # fmt: skip
def test_a_shift_ends_where_the_next_one_starts_on_the_sites_clock(moment: datetime, end: datetime) -> None:
    assert site(THREE).shift_end(moment) == end


def test_the_night_in_which_clocks_change_has_its_end_too() -> None:
    here = site(THREE)
    before = datetime(2026, 10, 24, 21, tzinfo=UTC)  # 23:00 in summer time
    assert here.shift_end(before) == datetime(2026, 10, 25, 5, tzinfo=UTC)  # 6:00 in winter time: an hour longer


def test_one_shift_a_day_ends_a_day_later_and_a_site_without_shifts_has_no_end() -> None:
    assert site(THREE[:1]).shift_end(berlin(23, 6)) == berlin(24, 6)
    assert site([]).shift_end(berlin(23, 6)) is None


def test_a_note_stands_until_the_next_shift_is_over() -> None:
    station = make.make_station(site=site(THREE))
    note = write_note(station=station, author=make.make_user("bob"), text="  The lamp flickers ", now=berlin(23, 13))
    assert (note.text, note.shift, note.shown_until) == ("The lamp flickers", "early", berlin(23, 22))
    assert list(standing_notes(station, now=berlin(23, 21))) == [note]
    assert list(standing_notes(station, now=berlin(23, 22))) == []
    assert list(standing_notes(make.make_station(site=station.site), now=berlin(23, 21))) == []


def test_without_a_calendar_a_note_stands_for_a_day() -> None:
    station = make.make_station(site=site([]))
    assert end_of_next_shift(station, make.NOW) == make.NOW + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001, "a\x00b"])
def test_a_note_that_says_nothing_or_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ReviewAppError) as refusal:
        write_note(station=make.make_station(), author=make.make_user(), text=text, now=make.NOW)
    assert "text" in refusal.value.fields


def test_notes_are_written_and_read_by_those_who_judge_there(client: Client) -> None:
    station = make.make_station(site=site(THREE))
    alice = make.make_inspector_at(station)
    client.force_login(alice)
    address = reverse("handover", args=[station.slug])
    assert client.post(address, {"text": ""}).status_code == 400
    assert client.post(address, {"text": "<b>lamp</b>\r\n\r\nflickers"}).status_code == 302
    page = client.get(address).content.decode()
    assert "&lt;b&gt;lamp&lt;/b&gt;" in page
    assert "Alice, " in page
    assert "Stands until" in page
    assert HandoverNote.objects.get().author == alice
    client.force_login(make.make_user("charlie"))
    assert client.get(address).status_code == 404


def test_a_pause_gives_back_what_one_holds_and_says_from_when_to_when(client: Client) -> None:
    alice = make.make_member()
    held = make.make_review(claimed_by=alice, claim_expires_at=timezone.now() + timedelta(minutes=5))
    client.force_login(alice)
    for _ in range(2):
        assert client.post("/me/pause/", {"do": "begin"}).status_code == 302
    assert Review.objects.get(pk=held.pk).claimed_by is None
    assert "You are on a pause since" in client.get("/me/").content.decode()
    assert client.post("/me/pause/", {"do": "end"})["Location"] == "/review/"
    row = Pause.objects.get()
    assert row.user == alice
    assert row.ended_at is not None
    assert not end_pause(user=alice, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_pause() -> None:
    alice = make.make_user()
    rows = all_done([lambda: begin_pause(user=alice, now=make.NOW)] * 6)
    assert len({row.pk for row in rows}) == 1


def test_the_page_counts_ones_own_verdicts_of_today_and_nobody_elses(client: Client) -> None:
    alice, now = make.make_member(), timezone.now()
    for who, said_at in ((alice, now), (alice, now - timedelta(days=2)), (make.make_user("bob"), now)):
        make.make_verdict(review=make.make_review(), reviewer=who, said_at=said_at, shown_at=said_at)
    client.force_login(alice)
    page = client.get("/me/")
    assert [one.n for one in page.context["today"]] == [1]
    assert "1 verdict<" in page.content.decode()


def test_a_pin_is_set_with_the_password_and_removed_with_it(client: Client) -> None:
    alice = make.make_member()
    client.force_login(alice)
    wrong = client.post("/me/pin/", {"password": "guess", "pin": "4711"})
    assert (wrong.status_code, "password is not right" in wrong.content.decode()) == (400, True)
    easy = client.post("/me/pin/", {"password": make.PASSWORD, "pin": "1234"})
    assert (easy.status_code, "first PIN anybody tries" in easy.content.decode()) == (400, True)
    assert not Pin.objects.exists()
    assert client.post("/me/pin/", {"password": make.PASSWORD, "pin": "4711"}).status_code == 302
    assert client.post("/me/pin/", {"password": "guess", "do": "remove"}).status_code == 400
    assert Pin.objects.get().user == alice
    assert client.post("/me/pin/", {"password": make.PASSWORD, "do": "remove"}).status_code == 302
    assert not Pin.objects.exists()


def test_figures_about_a_person_are_off_until_a_third_one_approves_them(client: Client) -> None:
    alice, lena, otto = (make.make_user(name) for name in ("alice", "lena", "otto"))
    client.force_login(alice)
    assert "Off. Nobody sees" in client.get("/me/").content.decode()
    row = ask_for_figures(user=alice, purpose="Training plan", by=lena, now=make.NOW)
    assert figures_about(alice) is None
    for one in (alice, lena):
        with pytest.raises(NotAllowed):
            approve_figures(row=row, by=one, now=make.NOW)
    approve_figures(row=row, by=otto, now=make.NOW)
    with pytest.raises(Conflict):
        approve_figures(row=row, by=otto, now=make.NOW)
    page = client.get("/me/").content.decode()
    assert "approved by Otto, for: Training plan" in page
    assert "Not measurable yet: 0 parts" in page
    with pytest.raises(Conflict):
        ask_for_figures(user=alice, purpose="More", by=lena, now=make.NOW)
    assert end_figures(row=row, now=make.NOW)
    assert figures_about(alice) is None
    assert PersonFigures.objects.get().approver == otto


def test_a_word_is_compared_only_where_somebody_else_judged_too() -> None:
    alice, model = make.make_member(), make.make_model()

    def judged(settled: str, n_verdicts: int) -> None:
        review = make.make_review(registered_model=model, inspection=make.make_inspection())
        make.make_verdict(review=review, reviewer=alice, label="dent", said_at=make.NOW)
        fields: dict[str, Any] = {"label": settled, "n_verdicts": n_verdicts}
        make.make_ground_truth(registered_model=model, inspection=review.inspection, **fields)

    for settled, n_verdicts in (("dent", 1), ("dent", 2), ("scratch", 3)):
        judged(settled, n_verdicts)
    found = figures_of(alice, now=make.NOW + timedelta(days=1))
    assert (found.n_verdicts, found.n_compared, found.n_stood, found.interval) == (3, 2, 1, None)
    for _ in range(28):
        judged("dent", 2)
    found = figures_of(alice, now=make.NOW + timedelta(days=1))
    assert (found.n_compared, found.n_stood) == (30, 29)
    assert found.interval is not None
    assert 0.8 < found.interval.low < 29 / 30 < found.interval.high < 1


def test_who_is_on_a_pause_is_handed_nothing_at_any_door_and_has_all_again_after_it(client: Client) -> None:
    model = make.make_model(slug="flange")
    alice = make.make_member("adjudicator", registered_model=model)
    version = make.make_version(registered_model=model)
    shown = make.make_review(prediction=make.make_prediction(version=version), blind=False)
    make.make_deployment(station=shown.inspection.station, version=version)
    case = make.make_review(registered_model=model, reason="adjudication")
    client.force_login(alice)
    doors = [
        "/api/v1/models/flange/reviews/claim/", "/api/v1/models/flange/reviews/claim-tiles/",
        f"/api/v1/stations/{shown.inspection.station.slug}/reviews/claim/", f"/api/v1/reviews/{case.pk}/take/",
    ]  # fmt: skip

    def ask(address: str, body: Any = None) -> Any:
        return client.post(address, {} if body is None else body, content_type="application/json")

    ask(doors[0], {"n": 2})
    since = ask("/api/v1/me/pause/", {"on": True}).json()["since"]
    assert not Review.objects.filter(claimed_by=alice).exists()
    for door in doors:
        answer = ask(door)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "on_pause"), door
        assert datetime.fromisoformat(answer.json()["error"]["fields"]["since"]) == datetime.fromisoformat(since)
    assert ask(doors[0], {"n": 0}).status_code == 200  # counts and last verdicts
    assert not Review.objects.filter(claimed_by=alice).exists()

    assert ask("/api/v1/me/pause/", {"on": False}).json() == {"since": None}
    assert [ask(door).status_code for door in doors] == [200] * 4
