"""The app's own PostgreSQL and Redis: one machine, no installation, the same engines as in production.

``python -m reviewapp.embedded postgres`` and ``… redis`` run one server each in the foreground, for a process manager.
This module holds only what the settings need and imports neither Django nor a driver; see `readiness` and `running`
for the rest.
"""

from reviewapp.embedded.addresses import celery_broker_url, database_url, redis_url

__all__ = ["celery_broker_url", "database_url", "redis_url"]
