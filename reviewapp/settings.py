"""All settings, from the environment only. Unsafe values are refused here; `checks.py` explains the rest.

The table of settings stands in README.md and a test compares the two.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from labeling.web_addresses import AllowList
from reviewapp import embedded
from reviewapp.s3 import s3_origins, s3_store

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENT = env.str("REVIEWAPP_ENV", default="development")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured(f"REVIEWAPP_ENV is {ENVIRONMENT!r}; it takes development or production.")
IN_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DJANGO_DEBUG", default=False)
if DEBUG and IN_PRODUCTION:
    raise ImproperlyConfigured("DJANGO_DEBUG cannot be on in production: it shows source code and settings to anyone.")

VAR = Path(env.str("REVIEWAPP_VAR", default=str(BASE_DIR / "var"))).absolute()


def _secret_key() -> str:
    """The operator's key; in development one that is made once and kept under ``var/``."""
    key: str = env.str("DJANGO_SECRET_KEY", default="")
    if key:
        return key
    if IN_PRODUCTION:
        raise ImproperlyConfigured("DJANGO_SECRET_KEY is not set. Sessions and signed addresses depend on it.")
    path = VAR / "secret_key"
    if not path.exists():
        VAR.mkdir(parents=True, exist_ok=True)
        draft = VAR / f"secret_key.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)  # the first of several processes wins, the others read its key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])
if IN_PRODUCTION and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("DJANGO_ALLOWED_HOSTS is '*'. Name the hosts that people and systems really use.")

# Behind TLS everything that carries a session says so. REVIEWAPP_INSECURE_HTTP is for plants without certificates.
PLAIN_HTTP = env.bool("REVIEWAPP_INSECURE_HTTP", default=not IN_PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("REVIEWAPP_BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600  # a long shift

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "models_registry",
    "labeling",
    "reviewapp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "reviewapp.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "reviewapp.middleware.AdminContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "reviewapp.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "labeling.people.short_sessions.ShortSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "reviewapp.middleware.RefusalPages",
]
ROOT_URLCONF = "reviewapp.urls"
WSGI_APPLICATION = "reviewapp.wsgi.application"
ASGI_APPLICATION = "reviewapp.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "labeling.context_processors.navigation",
            ],
        },
    }
]

# Engines: PostgreSQL and Redis always; the app's own when no address is given (docs/operations.md).
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(VAR)
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(VAR)
if (
    IN_PRODUCTION
    and not env.str("REDIS_URL", default="")
    and not env.bool("REVIEWAPP_ALLOW_EMBEDDED_REDIS", default=False)
):
    raise ImproperlyConfigured(
        "The embedded Redis is an old patch level. Set REDIS_URL, or REVIEWAPP_ALLOW_EMBEDDED_REDIS=1 knowingly."
    )
DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True, ATOMIC_REQUESTS=False)
# What psycopg's own cursors send often (ingest) is planned once a connection; Django's cursors are not touched by this.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 2)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "reviewapp",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "labeling.access.MembershipBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CSRF_FAILURE_VIEW = "reviewapp.views.form_too_old"
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = reverse_lazy("fleet")
LOGOUT_REDIRECT_URL = reverse_lazy("login")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each in its own words: who looks for one knows no other
LANGUAGE_COOKIE_AGE = 365 * 86_400  # a browser keeps its language; without a choice it is the browser's own
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not PLAIN_HTTP
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # stored times; pages show a site's own time zone

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
WHITENOISE_USE_FINDERS = True  # no collectstatic needed to start; operators may still run it
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

# Images, datasets and artifacts lie in one store that web and workers share: a directory, or S3 when a bucket is named.
S3_BUCKET = env.str("REVIEWAPP_S3_BUCKET", default="")
S3_ENDPOINT = env.str("REVIEWAPP_S3_ENDPOINT", default="")
# Browsers are sent to the bucket with a presigned address instead of getting images through here.
S3_PRESIGNED = env.bool("REVIEWAPP_S3_PRESIGNED", default=False)
S3_REGION = env.str("REVIEWAPP_S3_REGION", default="")
S3_ORIGINS = s3_origins(S3_BUCKET, endpoint=S3_ENDPOINT, region=S3_REGION) if S3_BUCKET and S3_PRESIGNED else []
STORAGES = {
    "default": (
        s3_store(S3_BUCKET, endpoint=S3_ENDPOINT, region=S3_REGION)
        if S3_BUCKET
        else {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR / "store"}}
    ),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Folders on the server that a client may name images from (`image_path`). None by default.
IMAGE_ROOTS = [Path(root) for root in env.list("REVIEWAPP_IMAGE_ROOTS", default=[])]
# Where in the store a client may name images that lie there already (`image_key`). None by default.
IMAGE_KEY_PREFIXES = env.list("REVIEWAPP_IMAGE_KEY_PREFIXES", default=[])
# Hosts, addresses and networks of the plant that `image_url` may name though they are private.
try:
    IMAGE_HOSTS = AllowList.of(env.list("REVIEWAPP_IMAGE_HOSTS", default=[]))
except ValueError as error:
    raise ImproperlyConfigured(f"REVIEWAPP_IMAGE_HOSTS: {error}.") from error
# Signed addresses of images hold for one to two of these periods, and stay the same within one.
IMAGE_URL_SECONDS = env.int("REVIEWAPP_IMAGE_URL_SECONDS", default=3600)
if IMAGE_URL_SECONDS < 60:
    raise ImproperlyConfigured("REVIEWAPP_IMAGE_URL_SECONDS is at least 60: addresses would run out while they load.")
# Images of parts without a label go after so many days; 0: never (labeling/retention.py).
KEEP_IMAGES_DAYS = env.int("REVIEWAPP_KEEP_IMAGES_DAYS", default=0)
if KEEP_IMAGES_DAYS < 0:
    raise ImproperlyConfigured("REVIEWAPP_KEEP_IMAGES_DAYS is 0 (for ever) or a number of days.")
IMAGE_FETCH_SECONDS = env.int("REVIEWAPP_IMAGE_FETCH_SECONDS", default=30)
MAX_IMAGE_BYTES = env.int("REVIEWAPP_MAX_IMAGE_MB", default=30) * 1024 * 1024
MAX_IMAGE_PIXELS = env.int("REVIEWAPP_MAX_IMAGE_MEGAPIXELS", default=120) * 1_000_000
WARM_BYTES = env.int("REVIEWAPP_WARM_MODELS_MB", default=1024) * 1024 * 1024  # of artifacts, in each process
MAX_JUDGED = env.int("REVIEWAPP_MAX_JUDGED", default=64)  # images of one request to predict
MAX_ROWS_PER_REQUEST = env.int("REVIEWAPP_MAX_ROWS_PER_REQUEST", default=1000)
MAX_BULK_ROWS = env.int("REVIEWAPP_MAX_BULK_ROWS", default=100_000)
MAX_BULK_BYTES = env.int("REVIEWAPP_MAX_BULK_MB", default=512) * 1024 * 1024
# How long a process believes what it read about a model, its labels, versions, design and members when rows come in.
CATALOG_SECONDS = env.float("REVIEWAPP_CATALOG_SECONDS", default=2.0)
# What one API key may ask, unless the key says otherwise. A guard against a client gone wild, not a tariff.
KEY_REQUESTS_PER_MINUTE = env.int("REVIEWAPP_KEY_REQUESTS_PER_MINUTE", default=30_000)
if KEY_REQUESTS_PER_MINUTE < 1:
    raise ImproperlyConfigured("REVIEWAPP_KEY_REQUESTS_PER_MINUTE is at least 1.")
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# The web server (`python -m reviewapp.serve`): processes, and in each so many threads for requests.
WEB_BIND = env.str("REVIEWAPP_BIND", default="127.0.0.1")
WEB_PORT = env.int("PORT", default=8000)
WEB_PROCESSES = env.int("REVIEWAPP_WEB_PROCESSES", default=2)
WEB_THREADS = env.int("REVIEWAPP_WEB_THREADS", default=8)
MAX_WAITS = env.int("REVIEWAPP_MAX_WAITS", default=1000)  # long polls of one process
MAX_REQUEST_BYTES = env.int("REVIEWAPP_MAX_REQUEST_MB", default=1024) * 1024 * 1024
if WEB_PROCESSES < 1 or WEB_THREADS < 1:
    raise ImproperlyConfigured("REVIEWAPP_WEB_PROCESSES and REVIEWAPP_WEB_THREADS are at least 1.")
if not 0 <= MAX_WAITS <= 3000:
    raise ImproperlyConfigured("REVIEWAPP_MAX_WAITS lies between 0 and 3000: each is an open connection.")

# Which inspections never train: fixed for ever by a hash of the group. Changing either mixes the partitions.
PARTITION_SALT = env.str("REVIEWAPP_PARTITION_SALT", default="reviewapp-partition-1").encode()
HOLDOUT_SHARE = env.float("REVIEWAPP_HOLDOUT_SHARE", default=0.15)
if not 0 < HOLDOUT_SHARE < 1:
    raise ImproperlyConfigured("REVIEWAPP_HOLDOUT_SHARE lies between 0 and 1.")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "labeling.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "reviewapp.openapi.Schema",
    "DEFAULT_RENDERER_CLASSES": ["reviewapp.rendering.StructRenderer"],
    "EXCEPTION_HANDLER": "reviewapp.api.handle_exception",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is a parameter of ours
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "reviewapp",
    "DESCRIPTION": "Predictions in, verdicts, honest accuracy, retraining, guarded promotion.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",  # served from here: no CDN
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [],
}

# The row is the truth and the message a nudge: redelivery is harmless and a sweeper finds what was left behind.
CELERY_BROKER_URL = embedded.celery_broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "max_retries": 1,  # who sends: else a request waits 4 s for a broker that is down. Workers and beat go on trying
    "interval_start": 0.1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 1.5  # seconds a running task gets at the end; what it leaves is found again
CELERY_TASK_ROUTES = {
    "models_registry.run_training": {"queue": "training"},
    "models_registry.recompare": {"queue": "training"},
    "models_registry.push_to_mlflow": {"queue": "webhooks"},  # waits for somebody else's server
    "labeling.pick_parts": {"queue": "training"},
    "labeling.run_import": {"queue": "training"},  # a slice between two runs, so that quick work never waits for it
    "labeling.fetch_images": {"queue": "images"},
    "labeling.make_derivatives": {"queue": "images"},
    "labeling.score_shadows": {"queue": "images"},
    "models_registry.deliver": {"queue": "webhooks"},
    "models_registry.sweep_webhooks": {"queue": "webhooks"},
    "models_registry.sweep_remote_training": {"queue": "webhooks"},
    "labeling.release_dispositions": {"queue": "webhooks"},  # a part waits for it: never behind an import
}
MLFLOW_URL = env.str("REVIEWAPP_MLFLOW_URL", default="")  # MLflow's tracking server is told of runs and versions
MLFLOW_TOKEN = env.str("REVIEWAPP_MLFLOW_TOKEN", default="")
CELERY_TIMEZONE = "UTC"
LOOP_SECONDS = env.int("REVIEWAPP_LOOP_SECONDS", default=15)
SWEEP_SECONDS = env.int("REVIEWAPP_SWEEP_SECONDS", default=30)
WEBHOOK_SWEEP_SECONDS = env.int("REVIEWAPP_WEBHOOK_SWEEP_SECONDS", default=5)
WEBHOOK_TIMEOUT_SECONDS = env.int("REVIEWAPP_WEBHOOK_TIMEOUT_SECONDS", default=10)
IMAGE_SWEEP_SECONDS = env.int("REVIEWAPP_IMAGE_SWEEP_SECONDS", default=5)
SHADOW_SECONDS = env.int("REVIEWAPP_SHADOW_SECONDS", default=15)
RELEASE_SWEEP_SECONDS = env.int("REVIEWAPP_RELEASE_SWEEP_SECONDS", default=5)


def _every(seconds: int, task: str) -> dict[str, Any]:
    """A message that nobody took by the next turn is void: turns do not pile up."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


CELERY_BEAT_SCHEDULE = {
    "sweep-webhooks": _every(WEBHOOK_SWEEP_SECONDS, "models_registry.sweep_webhooks"),
    "sweep-images": _every(IMAGE_SWEEP_SECONDS, "labeling.sweep_images"),
    "release-dispositions": _every(RELEASE_SWEEP_SECONDS, "labeling.release_dispositions"),
    "sweep-remote-training": _every(WEBHOOK_SWEEP_SECONDS, "models_registry.sweep_remote_training"),
    "score-shadows": _every(SHADOW_SECONDS, "labeling.score_shadows"),
    "close-the-loop": _every(LOOP_SECONDS, "labeling.close_the_loop"),
    "join-outcomes": _every(SWEEP_SECONDS, "labeling.join_outcomes"),
    "amend-reports": _every(86_400, "labeling.amend_reports"),
    "purge-images": _every(3600, "labeling.purge_images"),
    "forget-features": _every(3600, "models_registry.forget_features"),
    "forget-batches": _every(3600, "labeling.forget_batches"),
    "sweep-rounds": _every(SWEEP_SECONDS, "labeling.sweep_rounds"),
    "sweep-imports": _every(SWEEP_SECONDS, "labeling.sweep_imports"),
    "push-to-mlflow": _every(SWEEP_SECONDS, "models_registry.push_to_mlflow"),
    "sweep-comparisons": _every(SWEEP_SECONDS, "models_registry.sweep_comparisons"),
    "sweep-training": _every(SWEEP_SECONDS, "models_registry.sweep_training"),
}
IMPORT_LOST_AFTER_SECONDS = env.int("REVIEWAPP_IMPORT_LOST_AFTER_SECONDS", default=120)  # a batch takes seconds
# A running step tells every few seconds that it lives; after this silence another worker takes the run over.
# Trainers beside our own, declared by the operator (docs/trainers.md).
TRAINERS_FILE = Path(env.str("REVIEWAPP_TRAINERS_FILE")) if env.str("REVIEWAPP_TRAINERS_FILE", default="") else None
TRAINING_HEARTBEAT_SECONDS = env.int("REVIEWAPP_TRAINING_HEARTBEAT_SECONDS", default=5)
TRAINING_LOST_AFTER_SECONDS = env.int("REVIEWAPP_TRAINING_LOST_AFTER_SECONDS", default=45)
FEATURES_KEPT = env.int("REVIEWAPP_FEATURES_KEPT", default=500_000)  # of images; 2 kB each

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *S3_ORIGINS],
        "connect-src": [SELF, *S3_ORIGINS],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"

UNFOLD = {
    "SITE_TITLE": "reviewapp",
    "SITE_HEADER": "reviewapp",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("reviewapp/favicon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "BORDER_RADIUS": "8px",
    "SIDEBAR": {"navigation": "labeling.admin.sidebar.navigation"},
    "COLORS": {  # those of static/reviewapp/tokens.css: greys without a hue, one accent
        "base": {
            "50": "#f7f7f7", "100": "#f0f0f0", "200": "#e2e2e2", "300": "#bdbdbd", "400": "#9a9a9a", "500": "#666666",
            "600": "#4a4a4a", "700": "#3d3d3d", "800": "#292929", "900": "#191919", "950": "#101010",
        },
        "primary": {
            "50": "#e9f0fd", "100": "#dbe7fc", "200": "#bdd3fa", "300": "#9dbeff", "400": "#86aefc", "500": "#4a80e6",
            "600": "#1b57c9", "700": "#1747a4", "800": "#143c89", "900": "#12316f", "950": "#1c2740",
        },
    },
}  # fmt: skip

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("REVIEWAPP_LOG_LEVEL", default="INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
