"""How the file store reaches a bucket: signed, path by path, and with an end to every wait."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 20, 3


def s3_store(bucket: str, *, endpoint: str = "", region: str = "") -> dict[str, Any]:
    """An entry of Django's STORAGES. Keys come from boto3's usual places (AWS_ACCESS_KEY_ID, a role, a file)."""
    options = {
        "bucket_name": bucket, "endpoint_url": endpoint or None, "region_name": region or None,
        "file_overwrite": True, "querystring_auth": True, "client_config": _client_config(),
    }  # fmt: skip
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def s3_origins(bucket: str, *, endpoint: str, region: str) -> list[str]:
    """Where a browser that follows a presigned address may end up: what its Content-Security-Policy has to allow."""
    if endpoint:
        return ["/".join(endpoint.split("/", 3)[:3])]
    places = ["s3", f"s3.{region}"] if region else ["s3"]
    return [f"https://{bucket}.{place}.amazonaws.com" for place in places]


def _client_config() -> Any:
    """None without boto3: a system check then says what to install."""
    if importlib.util.find_spec("botocore") is None:
        return None
    return importlib.import_module("botocore.config").Config(
        signature_version="s3v4", connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS,
        retries={"max_attempts": ATTEMPTS, "mode": "standard"},
    )  # fmt: skip
