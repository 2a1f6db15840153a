"""The Celery application. Every task takes ids only, is idempotent, and finds its truth in a row."""

import os
import signal
import warnings
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from reviewapp.embedded.lifeline import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
# Root is usual in containers, and messages are JSON, never pickle.
warnings.filterwarnings("ignore", message=r"\s*You're running the worker with superuser privileges")

app = Celery("reviewapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def tie_to_worker(**_: Any) -> None:
    """A worker's child leaves the manager's process group and ends with its worker, even one that is killed."""
    os.setpgid(0, 0)
    die_with_parent(signal.SIGKILL)
