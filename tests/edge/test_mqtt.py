"""A PLC over MQTT: the real broker, the bridge, the agent and the server, each a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from labeling.models import DispositionRecord, Inspection
from reviewapp.embedded.lifeline import tied_to_this_process
from tests.api.line import Line
from tests.conftest import PROJECT
from tests.edge.plant import AgentProcess, Cable, free_port, soon

BRIDGE = PROJECT / "edge" / "mqtt_bridge.py"


class Broker:
    """mosquitto on a port of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.port, self.config = program, free_port(), folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.start()

    def start(self) -> None:
        command = [self.program, "-c", str(self.config)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=tied_to_this_process())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Plc:
    """Publishes what the line's camera says and hears what to do with the part."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "plc")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("line/+/disposition", qos=1)
        self.client.on_message = lambda _, __, message: self.heard.append((message.topic, json.loads(message.payload)))
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()
        assert soon(self.client.is_connected)

    def say(self, row: Any, *, line: int = 7) -> None:
        payload = row if isinstance(row, bytes) else json.dumps(row)
        self.client.publish(f"line/{line}/prediction", payload, qos=1).wait_for_publish(10)

    def told(self) -> list[tuple[Any, Any]]:
        return [(said.get("inspection_id"), said["disposition"]) for _, said in self.heard]


class BridgeProcess:
    def __init__(self, broker: Broker, agent: AgentProcess) -> None:
        self.command = [sys.executable, str(BRIDGE), "--port", str(broker.port), "--agent", f"127.0.0.1:{agent.port}"]
        self.start()

    def start(self) -> None:
        tie = tied_to_this_process()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, preexec_fn=tie)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("connected")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(mosquitto, tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def bridge(broker: Broker, agent: AgentProcess) -> Iterator[BridgeProcess]:
    agent.start(answer_ms=2000)
    bridge = BridgeProcess(broker, agent)
    yield bridge
    bridge.stop()


@pytest.fixture
def plc(bridge: BridgeProcess, broker: Broker) -> Iterator[Plc]:
    plc = Plc(broker.port)
    time.sleep(0.2)  # the subscriptions are on their way
    yield plc
    with suppress(ValueError):
        plc.client.disconnect()
    plc.client.loop_stop()


def test_a_part_is_told_its_disposition_and_a_doubled_message_does_no_harm(plc: Plc, line: Line) -> None:
    plc.say(line.row(1))
    plc.say(line.row(1))
    plc.say(line.row(2, label="ok", scores={"ok": 1}), line=8)

    assert soon(lambda: len(plc.heard) == 3)
    assert sorted(plc.told()) == [("part-1", "reject"), ("part-1", "reject"), ("part-2", "pass")]
    assert {topic for topic, _ in plc.heard} == {"line/7/disposition", "line/8/disposition"}
    assert {said["answered_by"] for _, said in plc.heard} == {"server"}
    assert Inspection.objects.count() == DispositionRecord.objects.count() == 2


def test_without_a_network_the_plc_is_told_the_default_and_the_server_hears_of_it_later(
    plc: Plc, line: Line, agent: AgentProcess, cable: Cable
) -> None:
    cable.pull()
    plc.say([line.row(1), line.row(2, label="dent", scores={"dent": 1})])
    plc.say(b"no row")

    assert soon(lambda: len(plc.heard) == 2)
    both, stray = plc.heard[0][1], plc.heard[1][1]
    assert [(one["disposition"], one["answered_by"]) for one in both] == [("reject", "edge"), ("hold", "edge")]
    assert (stray["disposition"], stray["answered_by"]) == ("hold", "edge")
    assert "rows as JSON" in stray["error"]
    cable.plug()
    assert soon(agent.is_drained)
    assert set(DispositionRecord.objects.values_list("origin", flat=True)) == {"edge"}
    assert Inspection.objects.count() == 2


def test_what_comes_while_the_bridge_or_the_agent_is_away_is_answered_when_it_is_back(
    plc: Plc, line: Line, bridge: BridgeProcess, agent: AgentProcess
) -> None:
    plc.say(line.row(1))
    assert soon(lambda: len(plc.heard) == 1)
    bridge.stop()
    plc.say(line.row(2))  # the broker keeps it for the bridge's session
    bridge.start()
    assert soon(lambda: len(plc.heard) == 2)
    agent.stop()
    plc.say(line.row(3))
    time.sleep(0.5)
    agent.start(answer_ms=2000)

    assert soon(lambda: ("part-3", "reject") in plc.told())
    assert set(plc.told()) == {("part-1", "reject"), ("part-2", "reject"), ("part-3", "reject")}
    assert Inspection.objects.count() == 3


def test_a_broker_that_is_killed_and_comes_back_is_found_again(plc: Plc, line: Line, broker: Broker) -> None:
    plc.say(line.row(1))
    assert soon(lambda: len(plc.heard) == 1)
    broker.kill()
    broker.start()
    assert soon(plc.client.is_connected)

    def is_told() -> bool:  # a broker that remembers nothing: the PLC repeats what it hears nothing about
        plc.say(line.row(2))
        return soon(lambda: ("part-2", "reject") in plc.told(), within=1)

    assert soon(is_told, within=20)
    assert Inspection.objects.count() == 2
