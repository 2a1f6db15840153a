"""A thin client of MLflow's REST API (2.0): the dozen calls that the link needs, over the HTTP library that is here.

The package `mlflow` is not needed: it brings forty others, and nothing that is fetched is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from reviewapp.errors import ReviewAppError

MOST_BYTES = 4 * 2**20
EXISTS, MISSING = "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"
Json = dict[str, Any]


class MlflowError(ReviewAppError):
    """The server did not do what was asked. ``answer`` is its own error code, empty where it did not answer."""

    code = "mlflow"
    http_status = 502

    def __init__(self, message: str, answer: str = "") -> None:
        super().__init__(message)
        self.answer = answer


class MlflowClient:
    """One server. Redirects and proxies of the environment are not followed, answers are bounded."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, method: str, path: str, said: Mapping[str, Any]) -> Json:
        """:raises MlflowError: no answer, one that is too long or no JSON, or a refusal."""
        body: Json = {"params": dict(said)} if method == "GET" else {"json": dict(said)}
        try:
            with self._client.stream(method, f"/api/2.0/mlflow/{path}", **body) as response:
                text = _bounded(response)
                status = response.status_code
            answer = httpx.Response(status, content=text).json() if text else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise MlflowError(f"MLflow does not answer: {str(error)[:200] or type(error).__name__}.") from error
        if status >= 400 or not isinstance(answer, dict):
            said_by_it = answer if isinstance(answer, dict) else {}
            word = str(said_by_it.get("error_code", status))
            raise MlflowError(f"MLflow refuses {path}: {word}, {str(said_by_it.get('message', ''))[:200]}", word)
        return answer

    def experiment(self, name: str) -> str:
        """The id of the experiment of that name, made if need be."""
        try:
            return str(self.call("POST", "experiments/create", {"name": name})["experiment_id"])
        except MlflowError as error:
            if error.answer != EXISTS:
                raise
        found = self.call("GET", "experiments/get-by-name", {"experiment_name": name})
        return str(found["experiment"]["experiment_id"])

    def run_tagged(self, experiment: str, key: str, value: str) -> str | None:
        """The id of a run with this tag."""
        said = {"experiment_ids": [experiment], "filter": f"tags.`{key}` = '{value}'", "max_results": 1}
        runs = self.call("POST", "runs/search", said).get("runs", [])
        return str(runs[0]["info"]["run_id"]) if runs else None

    def start_run(self, experiment: str, name: str, *, at_ms: int, tags: Mapping[str, str]) -> str:
        said = {"experiment_id": experiment, "run_name": name, "start_time": at_ms, "tags": pairs(tags)}
        return str(self.call("POST", "runs/create", said)["run"]["info"]["run_id"])

    def registered(self, name: str) -> None:
        """The registered model is there, made if need be."""
        try:
            self.call("POST", "registered-models/create", {"name": name})
        except MlflowError as error:
            if error.answer != EXISTS:
                raise

    def version_tagged(self, name: str, key: str, value: str) -> str | None:
        """The number of a version with this tag. Names are slugs and values numbers of ours: nothing to escape."""
        said = {"filter": f"name='{name}' and tag.`{key}`='{value}'", "max_results": 1}
        found = self.call("GET", "model-versions/search", said).get("model_versions", [])
        return str(found[0]["version"]) if found else None

    def make_version(self, name: str, *, source: str, run_id: str, tags: Mapping[str, str]) -> str:
        said: Json = {"name": name, "source": source, "tags": pairs(tags)}
        if run_id:
            said["run_id"] = run_id
        return str(self.call("POST", "model-versions/create", said)["model_version"]["version"])

    def version(self, name: str, number: str) -> Json:
        found: Json = self.call("GET", "model-versions/get", {"name": name, "version": number})["model_version"]
        return found

    def version_by_alias(self, name: str, alias: str) -> Json:
        found: Json = self.call("GET", "registered-models/alias", {"name": name, "alias": alias})["model_version"]
        return found

    def aliased(self, name: str, alias: str) -> str | None:
        """The number of the version that an alias leads to."""
        try:
            return str(self.version_by_alias(name, alias)["version"])
        except MlflowError as error:
            if error.answer not in {MISSING, "INVALID_PARAMETER_VALUE"}:
                raise
            return None


def page_of(url: str, *parts: str) -> str:
    """The address of a page of MLflow for people, without a password that ours may hold; empty: it is none."""
    try:
        where = urlsplit(url)
        host = f"{where.hostname}:{where.port}" if where.port else where.hostname
    except ValueError:
        return ""
    if where.scheme not in {"http", "https"} or not host:
        return ""
    path = "/".join(quote(part, safe="") for part in parts)
    return f"{where.scheme}://{host}{where.path.rstrip('/')}/#/{path}"


def pairs(said: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in said.items()]


@contextmanager
def open_mlflow(url: str, *, token: str, seconds: float) -> Iterator[MlflowClient]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(
        base_url=url.rstrip("/"), headers=headers, timeout=seconds, follow_redirects=False, trust_env=False
    ) as client:
        yield MlflowClient(client)


def _bounded(response: httpx.Response) -> bytes:
    read = b""
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) > MOST_BYTES:
            raise ValueError(f"its answer has more than {MOST_BYTES // 2**20} MB")
    return read
