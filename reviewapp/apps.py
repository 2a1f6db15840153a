"""The project itself as an app: loads Celery's application with Django, and the system checks."""

from django.apps import AppConfig

from reviewapp import celery

__all__ = ["celery"]  # imported so that tasks find their application


class ReviewAppConfig(AppConfig):
    name = "reviewapp"
    verbose_name = "reviewapp"
