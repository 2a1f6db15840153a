from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def root(client: Client, db: None, django_user_model: Any) -> Client:
    """A superuser's browser. (No factory here: pytest may read this file before Django is set up.)"""
    client.force_login(django_user_model.objects.create_superuser("root"))
    return client
