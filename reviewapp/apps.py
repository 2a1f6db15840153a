"""The project itself as an app: loads Celery's application with Django, and the system checks."""

from django.apps import AppConfig
from django.core import checks as django_checks

from reviewapp import celery, checks

__all__ = ["celery"]  # imported so that tasks find their application


class ReviewAppConfig(AppConfig):
    name = "reviewapp"
    verbose_name = "reviewapp"

    def ready(self) -> None:
        for check in checks.ALL:
            django_checks.register(check)
