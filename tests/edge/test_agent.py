"""The agent on the line's PC: an answer in time always, nothing lost, nothing twice, nothing answered late."""

from __future__ import annotations

import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from http.client import HTTPException
from itertools import pairwise
from typing import Any

import pytest

from labeling.models import (
    ApiKey,
    DispositionRecord,
    Inspection,
    Item,
    Prediction,
    Review,
    SamplingDesign,
    Selection,
    Station,
)
from tests import factories as make
from tests.api.line import Line
from tests.edge.plant import AgentProcess, Cable, free_port, serving, soon

PATIENT = 3000  # milliseconds, where a busy test machine must not decide who answers
IN_TIME = 0.5  # seconds: answer_ms, and what a busy test machine adds
SIX_HOURS_AGO = datetime.fromisoformat("2026-03-02T03:15:00+01:00")


def ok_row(line: Line, number: object, **fields: Any) -> dict[str, Any]:
    return line.row(number, label="ok", scores={"ok": 0.9, "scratch": 0.1}, **fields)


def told_by_the_records() -> dict[str, str]:
    """What stands as told, for each part."""
    return dict(
        DispositionRecord.objects.filter(revoked_at=None).values_list("inspection__inspection_id", "disposition")
    )


def test_the_server_answers_while_it_can_and_a_resend_is_told_the_same(agent: AgentProcess, line: Line) -> None:
    SamplingDesign.objects.update(budget=1, rules={"blocking_labels": ["scratch"]})
    agent.start(answer_ms=PATIENT)

    held, passed = agent.post(line.row(1)), agent.post([ok_row(line, 2)])["results"][0]

    assert (held["answered_by"], held["disposition"], held["review"]) == ("server", "hold", "blocking")
    assert held["deadline"]
    assert (passed["answered_by"], passed["disposition"]) == ("server", "pass")
    assert agent.post(line.row(1)) == held
    assert set(DispositionRecord.objects.values_list("origin", flat=True)) == {"answered"}
    assert (agent.status()["queue"], agent.status()["server"], agent.status()["spool"]) == (0, "answers", "ok")


def test_with_the_cable_pulled_the_default_comes_in_time_and_everything_is_sent_later_in_order(
    agent: AgentProcess, line: Line, cable: Cable
) -> None:
    cable.pull()
    agent.start()
    answers = [agent.timed(line.row(number, label=label, scores={label: 1})) for number, label in enumerate(
        ["ok", "scratch", "dent", "ok", "scratch"]
    )]  # fmt: skip

    assert [answer["disposition"] for answer, _ in answers] == ["pass", "reject", "hold", "pass", "reject"]
    assert {(answer["answered_by"], answer["spooled"]) for answer, _ in answers} == {("edge", True)}
    assert max(seconds for _, seconds in answers) < IN_TIME
    assert agent.status()["queue"] == 5
    assert agent.status()["last_error"]
    assert not Inspection.objects.exists()

    cable.plug()
    assert soon(agent.is_drained)

    stored = list(Inspection.objects.order_by("pk").values_list("inspection_id", flat=True))
    assert stored == [f"part-{number}" for number in range(5)]
    assert set(DispositionRecord.objects.values_list("origin", flat=True)) == {"edge"}
    assert told_by_the_records() == {f"part-{n}": answer["disposition"] for n, (answer, _) in enumerate(answers)}
    assert soon(lambda: agent.post(ok_row(line, 6))["answered_by"] == "server")


@pytest.mark.slow
def test_a_network_that_swallows_everything_costs_no_answer_its_time(
    agent: AgentProcess, line: Line, cable: Cable
) -> None:
    cable.swallows = True
    agent.start()

    seconds = [agent.timed(ok_row(line, number))[1] for number in range(6)]

    assert max(seconds) < IN_TIME
    assert min(seconds) < 0.15  # it does not try the server for every part
    cable.swallows = False
    assert soon(agent.is_drained, within=45)
    assert Inspection.objects.count() == 6


def test_an_answer_that_comes_too_late_is_revoked_and_holds_nothing(
    agent: AgentProcess, line: Line, cable: Cable
) -> None:
    SamplingDesign.objects.update(budget=1, rules={"blocking_labels": ["scratch"]})
    cable.delay = 0.6
    agent.start()

    answer, seconds = agent.timed(line.row(1))

    assert (answer["answered_by"], answer["disposition"]) == ("edge", "reject")
    assert seconds < IN_TIME
    assert soon(lambda: DispositionRecord.objects.filter(origin="edge").exists())
    assert soon(agent.is_drained)
    assert told_by_the_records() == {"part-1": "reject"}
    assert set(Review.objects.values_list("mode", "deadline")) == {("measuring", None)}


def test_views_of_one_part_are_told_the_same_and_stay_together(agent: AgentProcess, line: Line, cable: Cable) -> None:
    cable.pull()
    agent.start()
    views = [ok_row(line, 1, view="top"), line.row(1, view="side"), ok_row(line, 2)]

    results = agent.post(views)["results"]

    assert [one["disposition"] for one in results] == ["reject", "reject", "pass"]
    cable.plug()
    assert soon(agent.is_drained)
    assert agent.dead_letters() == []
    assert Inspection.objects.get(inspection_id="part-1").items.count() == 2
    assert told_by_the_records() == {"part-1": "reject", "part-2": "pass"}


def test_six_hours_of_outage_lose_nothing_and_issue_no_late_disposition(
    agent: AgentProcess, line: Line, cable: Cable
) -> None:
    SamplingDesign.objects.update(budget=0.2, rules={"blocking_labels": ["scratch"]})
    cable.pull()
    agent.start()
    n, labels = 360, ("ok", "ok", "scratch")  # a part a minute
    moments = [SIX_HOURS_AGO + timedelta(minutes=number) for number in range(n)]
    random.Random(3).shuffle(moments[100:110])  # a clock that was set in between
    rows = [
        line.row(
            number, label=labels[number % 3], scores={labels[number % 3]: 1}, captured_at=moments[number].isoformat()
        )
        for number in range(n)
    ]
    for row in rows:
        assert agent.post(row)["answered_by"] == "edge"
    agent.stop()  # and the PC is switched off and on before the network is back
    agent.start()
    cable.plug()

    assert soon(agent.is_drained, within=40)

    assert list(Inspection.objects.order_by("pk").values_list("inspection_id", "captured_at")) == [
        (row["inspection_id"], moment) for row, moment in zip(rows, moments, strict=True)
    ]
    assert Selection.objects.count() == Prediction.objects.count() == n
    assert list(Prediction.objects.order_by("pk").values_list("predicted_at", flat=True)) == moments
    assert set(DispositionRecord.objects.values_list("origin", "revoked_at")) == {("edge", None)}
    assert set(Review.objects.values_list("mode", "deadline", "default_disposition")) == {("measuring", None, "")}
    assert Review.objects.count() >= n // 3
    assert agent.dead_letters() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_it_forgets_nothing_that_it_has_told(
    agent: AgentProcess, line: Line, cable: Cable, seed: int
) -> None:
    """While parts come, the agent is killed and the cable pulled at random. The line repeats what was not answered."""
    chance, told, pulled = random.Random(seed), {}, False

    def parts_come() -> None:
        for number in range(60):
            row = ok_row(line, number) if number % 2 else line.row(number)
            while number not in told:
                with suppress(OSError, HTTPException, ValueError):
                    told[number] = agent.post(row)["disposition"]
                time.sleep(0.01)

    agent.start()
    belt = threading.Thread(target=parts_come)
    belt.start()
    while belt.is_alive():
        time.sleep(chance.uniform(0.05, 0.5))
        if chance.random() < 0.6:
            agent.stop(signal.SIGKILL)
            agent.start()
        else:
            (cable.plug if pulled else cable.pull)()
            pulled = not pulled
    if pulled:
        cable.plug()

    assert soon(agent.is_drained, within=40)
    assert told_by_the_records() == {f"part-{number}": disposition for number, disposition in told.items()}
    assert Inspection.objects.count() == Prediction.objects.count() == Selection.objects.count() == 60
    assert DispositionRecord.objects.filter(revoked_at=None).count() == 60
    assert agent.dead_letters() == []


def test_a_row_that_the_server_refuses_holds_nothing_up(agent: AgentProcess, line: Line, cable: Cable) -> None:
    agent.start(answer_ms=PATIENT)
    told = agent.post(line.row("live", label="scrach"))
    assert (told["disposition"], told["answered_by"]) == ("hold", "edge")
    assert told["error"]["code"] == "unknown_label"
    cable.pull()
    for row in (
        ok_row(line, 1),
        ok_row(line, 2, source="cam-9"),
        ok_row(line, 3, metadata={"x": "y" * 20_000}),
        ok_row(line, 4),
    ):
        agent.post(row)
    agent.post([ok_row(line, 5), ok_row(line, 6, colour="red")])
    cable.plug()

    assert soon(agent.is_drained)

    assert set(Inspection.objects.values_list("inspection_id", flat=True)) == {"part-1", "part-4", "part-5"}
    dead = {letter["row"]["inspection_id"]: letter for letter in agent.dead_letters()}
    assert set(dead) == {"part-live", "part-2", "part-3", "part-6"}
    assert dead["part-2"]["error"]["code"] == "unknown_source"
    assert dead["part-6"]["row"]["answered"] == "pass"
    make.make_source(slug="cam-9")  # and what was put right can be sent as it lies there
    assert line.send([dead["part-2"]["row"]]).status_code == 201


def test_the_address_of_an_image_travels_with_its_row_in_time_and_late(
    agent: AgentProcess, line: Line, cable: Cable
) -> None:
    Station.objects.update(image_address="http://line-3.plant/images/")
    SamplingDesign.objects.update(budget=1, audit_share=1)
    agent.start(answer_ms=PATIENT)
    assert agent.post(ok_row(line, 1))["image"] == "wanted"  # the line may send it to the server itself
    assert agent.post(ok_row(line, 2, image_at_station="2.png"))["image"] == "at_station"
    cable.pull()
    agent.post(ok_row(line, 3, image_at_station="3.png"))
    cable.plug()

    assert soon(agent.is_drained)
    assert dict(Item.objects.values_list("inspection__inspection_id", "image_status")) == {
        "part-1": "wanted", "part-2": "at_station", "part-3": "at_station",
    }  # fmt: skip


def test_a_dead_key_is_no_fault_of_the_rows(agent: AgentProcess, line: Line) -> None:
    ApiKey.objects.update(revoked_at=make.NOW)
    agent.start()
    for number in range(3):
        assert agent.post(ok_row(line, number))["answered_by"] == "edge"
    assert soon(lambda: "401" in agent.status()["last_error"])
    time.sleep(0.5)
    assert agent.status()["queue"] == 3

    ApiKey.objects.update(revoked_at=None)

    assert soon(agent.is_drained)
    assert Inspection.objects.count() == 3
    assert agent.dead_letters() == []


def files_of_at_most(n_bytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@pytest.mark.parametrize("full", ["the disk", "the spool"])
def test_with_no_room_left_it_answers_and_says_that_it_could_not_keep_the_row(
    agent: AgentProcess, line: Line, cable: Cable, full: str
) -> None:
    cable.pull()
    if full == "the disk":
        agent.start(limit=files_of_at_most(400_000))
    else:
        agent.start(max_mb=1)
    kept, answers = 0, []
    for number in range(400):
        answer, seconds = agent.timed(ok_row(line, number, metadata={"note": "x" * 4000}))
        answers.append((answer["disposition"], answer["answered_by"], seconds < IN_TIME))
        kept += answer["spooled"]
        if not answer["spooled"]:
            break

    assert set(answers) == {("pass", "edge", True)}
    assert 5 < kept < 400
    assert any(word in agent.status()["spool"] for word in ("full", "I/O"))
    assert agent.status()["not_spooled"] == 1

    agent.stop()  # room is made
    agent.start()
    cable.plug()
    assert soon(agent.is_drained, within=30)
    assert Inspection.objects.count() == kept
    assert agent.status()["spool"] == "ok"


def test_with_no_room_left_the_server_hears_of_the_part_all_the_same(agent: AgentProcess, line: Line) -> None:
    agent.start(limit=files_of_at_most(0), answer_ms=PATIENT)

    answer = agent.post(ok_row(line, 1))

    assert (answer["answered_by"], answer["disposition"]) == ("server", "pass")
    assert Inspection.objects.count() == 1
    assert agent.status()["spool"] != "ok"


@pytest.mark.slow
def test_a_server_that_comes_back_finds_what_came_meanwhile_and_one_that_is_killed_is_not_waited_for(
    line: Line, agent: AgentProcess
) -> None:
    port = free_port()
    agent.config["server"] = f"http://127.0.0.1:{port}/api/v1"
    agent.start()
    assert agent.post(ok_row(line, 1))["answered_by"] == "edge"
    with serving(port):
        assert soon(agent.is_drained, within=30)
        assert soon(lambda: agent.post(ok_row(line, 2))["answered_by"] == "server")
    assert agent.post(ok_row(line, 3))["answered_by"] == "edge"
    assert list(Inspection.objects.order_by("pk").values_list("inspection_id", flat=True)) == ["part-1", "part-2"]


def test_many_lines_of_one_pc_are_answered_in_time(agent: AgentProcess, line: Line, cable: Cable) -> None:
    agent.start()
    slowest: list[float] = []

    def cell(first: int) -> None:
        slowest.append(max(agent.timed(ok_row(line, number))[1] for number in range(first, first + 15)))

    cells = [threading.Thread(target=cell, args=(100 * number,)) for number in range(4)]
    for one in cells:
        one.start()
    for one in cells:
        one.join()

    assert max(slowest) < IN_TIME
    assert soon(agent.is_drained)
    assert Inspection.objects.count() == 60


@pytest.mark.parametrize(
    "said",
    [[], 7, "text", [1], None, [[{}]], [{}] * 201],
    ids=["none", "number", "text", "list", "null", "nested", "many"],
)
def test_what_is_no_row_is_told_the_default_and_why(agent: AgentProcess, said: Any) -> None:
    agent.start()

    answer = agent.post(said)

    assert (answer["http_status"], answer["disposition"], answer["answered_by"]) == (400, "hold", "edge")
    assert "rows" in answer["error"]
    assert agent.status()["queue"] == 0


def test_parts_are_drawn_in_the_order_in_which_they_came(agent: AgentProcess, line: Line, cable: Cable) -> None:
    """The same serial twice in the outage: the second is the second attempt."""
    cable.pull()
    agent.start()
    for number in range(1, 4):
        agent.post(ok_row(line, number, serial="S1"))
    cable.plug()

    assert soon(agent.is_drained)
    attempts = list(Inspection.objects.order_by("inspection_id").values_list("attempt", flat=True))
    assert attempts == [1, 2, 3]
    assert all(
        one < other for one, other in pairwise(Inspection.objects.order_by("pk").values_list("captured_at", flat=True))
    )
