#!/usr/bin/env python3
"""A PLC that speaks MQTT: its predictions go through the edge agent, the dispositions come back. See docs/edge.md.

    line/7/prediction  {"inspection_id": …, "label": …}   ->  agent  ->   line/7/disposition  {"disposition": …}

A message is acknowledged to the broker only after its disposition was published (QoS 1). What comes twice, because
the broker, this bridge or the agent was killed in between, is told the same by the agent and stored once.
Needs paho-mqtt (pip install paho-mqtt==2.1.0).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from contextlib import closing
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

KEPT = ("inspection_id", "disposition", "answered_by", "review", "review_id", "deadline", "error")
TIMEOUT, PAUSE = 5.0, 0.2  # seconds; the agent answers sooner, or is being started again


def ask_agent(address: str, row: bytes) -> dict[str, Any]:
    """What the line is told. Waits for an agent that is being started: until it answers, nothing is acknowledged."""
    while True:
        try:
            with closing(http.client.HTTPConnection(address, timeout=TIMEOUT)) as agent:
                agent.request("POST", "/predictions/", row, {"Content-Type": "application/json"})
                return dict(json.loads(agent.getresponse().read()))
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"the agent at {address} does not answer: {error}", file=sys.stderr, flush=True)
            time.sleep(PAUSE)


def dispositions(said: dict[str, Any]) -> bytes:
    """One row's disposition, or a list of them, with what a PLC may want to know besides."""
    rows = [{name: row[name] for name in KEPT if row.get(name) is not None} for row in said.get("results", [said])]
    return json.dumps(rows if "results" in said else rows[0]).encode()


def bridge(options: argparse.Namespace) -> mqtt.Client:
    """A client that takes predictions from the broker and publishes dispositions to it, once it runs."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, options.client_id, clean_session=False, manual_ack=True
    )  # a session that the broker keeps: what comes while the bridge is away waits there
    client.username_pw_set(options.username, os.environ.get("MQTT_PASSWORD")) if options.username else None
    client.tls_set(options.ca_file or None) if options.tls else None
    client.reconnect_delay_set(1, 10)

    def on_connect(client: mqtt.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        print(f"connected: {reason}", flush=True)
        client.subscribe(options.topic, qos=1)

    def on_message(client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        said = dispositions(ask_agent(options.agent, message.payload))
        client.publish(message.topic.rsplit("/", 1)[0] + "/disposition", said, qos=1)
        client.ack(message.mid, message.qos)

    client.on_connect, client.on_message = on_connect, on_message
    return client


def main() -> None:
    parser = argparse.ArgumentParser(description="Predictions from an MQTT broker to the edge agent, and back.")
    parser.add_argument("--broker", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--topic", default="line/+/prediction")
    parser.add_argument("--agent", default="127.0.0.1:8765")
    parser.add_argument("--client-id", default="reviewapp-bridge", help="one for each bridge of a broker")
    parser.add_argument("--username", default="", help="with the password in MQTT_PASSWORD")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca-file", default="")
    options = parser.parse_args()
    client = bridge(options)
    client.connect_async(options.broker, options.port, keepalive=30)
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main()
