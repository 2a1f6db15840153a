"""Whatever the model said of it, a blind review looks the same on the network."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import tests.factories as make
from labeling.models import Prediction, Review, ReviewPolicy, Selection
from tests.api.line import Line
from tests.api.test_reviews import CLAIM, Station

TILES = "/api/v1/models/steel/reviews/claim-tiles/"
OWN = ("id", "part", "inspection_id", "items")  # each part has its own


def blind_part(line: Line, label: str, confidence: float, **fields: Any) -> Review:
    inspection = make.make_inspection(metadata={"tool": 7, "model_says": label}, station=line.source.station)
    make.make_item(inspection=inspection, source=line.source, content=make.png(shade=inspection.pk % 200))
    said = make.make_prediction(version=line.champion, inspection=inspection, label=label, confidence=confidence)
    make.make_selection(inspection=inspection, registered_model=line.model, pi=0.5 if label == "ok" else 1)
    return make.make_review(prediction=said, blind=True, **fields)


def test_every_blind_review_is_told_in_the_same_words(line: Line) -> None:
    ReviewPolicy.objects.update(metadata_shown=["tool"])
    waiting = {"mode": "blocking", "deadline": make.NOW + timedelta(minutes=9), "default_disposition": "hold"}
    blind_part(line, "ok", 0.99)
    blind_part(line, "scratch", 0.51, reason="certainty")
    blind_part(line, "dent", 0.7, **waiting)
    alice = Station("alice", line.model)

    told = alice.claim(3)

    shared = [{name: value for name, value in one.items() if name not in OWN} for one in told]
    assert len(shared) == 3
    assert shared[0] == shared[1] == shared[2]
    sizes = {len(json.dumps([one["items"][0][name] for name in sorted(one["items"][0])])) for one in told}
    assert len(sizes) == 1


def test_nothing_that_was_predicted_drawn_or_left_out_is_in_the_bytes(line: Line) -> None:
    ReviewPolicy.objects.update(metadata_shown=["tool"])
    blind_part(line, "scratch", 0.8731, reason="certainty")
    alice = Station("alice", line.model)
    said, draw = Prediction.objects.get(), Selection.objects.get()

    body = alice.post(CLAIM, {"n": 1}).content.decode()

    for secret in ("scratch", "Scratch", "0.8731", "model_says", "certainty", draw.stratum, said.digest, "confidence"):
        assert secret not in body, secret


def test_an_image_has_an_address_that_says_nothing_and_is_as_long_for_every_part(line: Line) -> None:
    for label in ("ok", "scratch"):
        blind_part(line, label, 0.9)
    alice = Station("alice", line.model)

    addresses = [one["items"][0]["url"] for one in alice.claim(2)]

    assert len({len(address) for address in addresses}) == 1
    assert all(not any(word in address.split("?")[0] for word in ("ok", "scratch", "part-")) for address in addresses)


def test_the_order_of_blind_reviews_is_that_of_the_draw_whatever_was_predicted(line: Line) -> None:
    made = [blind_part(line, label, share).pk for label, share in (("ok", 0.99), ("dent", 0.4), ("scratch", 0.8))]
    assert [one["id"] for one in Station("alice", line.model).claim(3)] == made


def test_a_blind_review_comes_into_no_grid(line: Line) -> None:
    blind_part(line, "scratch", 0.9)
    answer = Station("alice", line.model).post(TILES, {"n": 12}).json()
    assert (answer["reviews"], answer["classes"], answer["label"]) == ([], [], None)


def test_lists_and_details_do_not_say_which_blind_part_waits_to_those_who_may_judge_it(line: Line) -> None:
    waiting = {"mode": "blocking", "deadline": make.NOW + timedelta(minutes=9), "default_disposition": "reject"}
    held, measured = blind_part(line, "dent", 0.7, **waiting), blind_part(line, "ok", 0.99)
    own = ("id", "inspection_id", "serial", "captured_at", "station")

    def told(who: Station, query: str = "") -> list[dict[str, Any]]:
        rows = who.client.get(f"/api/v1/reviews/{query}").json()["results"]
        details = [who.client.get(f"/api/v1/reviews/{one['id']}/").json() for one in rows]
        return [
            {name: value for name, value in one.items() if name not in own}
            for one in (*rows, *details)
        ]  # fmt: skip

    for name, role in (("alice", "inspector"), ("olga", "adjudicator")):
        who = Station(name, line.model, role)
        rows = told(who)
        assert rows[0] == rows[1]
        assert rows[2] == rows[3]
        assert {rows[0][key] for key in ("mode", "deadline", "default_disposition")} == {"measuring", None}
        assert {rows[2][key] for key in ("mode", "deadline", "disposition", "release_at")} == {"measuring", None}
        assert len(told(who, "?mode=measuring")) == 4  # both, and their details
        assert told(who, "?mode=blocking") == []

    lena = Station("lena", line.model, "lead")
    assert [one["mode"] for one in told(lena)] == ["measuring", "blocking"] * 2
    found = lena.client.get("/api/v1/reviews/?mode=blocking").json()["results"]
    assert [one["id"] for one in found] == [held.pk]
    Review.objects.filter(pk=held.pk).update(status="cancelled")  # nobody judges it any more
    ended = Station("alice", line.model).client.get(f"/api/v1/reviews/{held.pk}/").json()
    assert (ended["mode"], ended["disposition"]) == ("blocking", "hold")
    assert measured.pk != held.pk
