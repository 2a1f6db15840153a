"""Simulated inspectors: sign in, claim, look, judge, now and then wrongly. Through the public doors only."""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from labeling.demo.stream import DemoStream, key_of

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Inspector:
    """One simulated person with a stated error rate."""

    def __init__(
        self,
        *,
        base_url: str,
        username: str,
        password: str,
        model: str,
        stream: DemoStream,
        error_rate: float,
        seed: int,
    ) -> None:
        self.client = httpx.Client(base_url=base_url, timeout=30)
        self.username, self.password, self.model, self.stream = username, password, model, stream
        self.error_rate, self.random = error_rate, random.Random(seed)  # noqa: S311 - a simulation
        self.n = 0

    def sign_in(self) -> None:
        """As a browser does: read the form, send it back. :raises PermissionError: the app did not let us in."""
        form = self.client.get("/login/")
        token = TOKEN.search(form.text)
        fields = {
            "username": self.username,
            "password": self.password,
            "csrfmiddlewaretoken": token.group(1) if token else "",
        }
        answer = self.client.post("/login/", data=fields, headers={"Referer": str(self.client.base_url)})
        if answer.status_code != 302:
            raise PermissionError(f"{self.username} could not sign in ({answer.status_code}).")

    def run(self, *, pace: float, stop: threading.Event, tell: Callable[[str], None]) -> int:
        """Judge one image every ``pace`` seconds until ``stop`` is set. Returns the number of verdicts."""
        self.sign_in()
        while not stop.is_set():
            try:
                reviews = self._post(f"/api/v1/models/{self.model}/reviews/claim/", {"n": 4})["reviews"]
                for review in reviews:
                    if stop.wait(pace):
                        return self.n
                    self._judge(review)
            except httpx.HTTPError as error:
                tell(f"{self.username}: {error}. Trying again.")
                stop.wait(1)
                continue
            if not reviews:
                stop.wait(0.5)
        return self.n

    def _judge(self, review: dict[str, Any]) -> None:
        """Look at the image, say what it is. A refusal of one verdict is no reason to stop."""
        for item in review["items"]:
            self.client.get(item["url"]).raise_for_status()
        now = time.time()
        body = {
            "client_id": str(uuid.uuid4()),
            "review": review["id"],
            "kind": "label",
            "label": self._word(self.stream.truth[key_of(review["inspection_id"])]),
            "phase": review["phase"],
            "shown_at": _iso(now - 0.6),
            "said_at": _iso(now),
            "shown": {"by": "simulated inspector", "blind": review["blind"]},
        }
        self._post("/api/v1/verdicts/", body)
        self.n += 1

    def _word(self, truth: str) -> str:
        if self.random.random() >= self.error_rate:
            return truth
        return self.random.choice([label for label in self.stream.labels if label != truth])

    def _post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRFToken": self.client.cookies.get("csrftoken") or "", "Referer": str(self.client.base_url)}
        answer = self.client.post(url, json=body, headers=headers)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
