"""The one place that reads the environment. README's settings table lists every name."""

import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from hepcompanion.keyfile import read_or_make
from hepcompanion.logs import places_of_error, without_tokens

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def positive(name: str, default: float) -> float:
    try:
        value = float(env.float(name, default=default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number.") from error
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be greater than 0, not {value:g}.")
    return value


def whole(name: str, default: int, least: int = 1) -> int:
    try:
        value = int(env.str(name, default=str(default)))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error
    if value < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}, not {value}.")
    return value


def prices(name: str) -> dict[str, tuple[float, float]]:
    """Dollars for a million tokens read and written, by model."""
    try:
        pairs = {model: pair.split(":") for model, pair in env.dict(name, default={}).items()}
        found = {model: (float(read), float(written)) for model, (read, written) in pairs.items()}
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be like small=0.15:0.60,large=2.50:10.") from error
    if not all(0 <= price < 1e6 for pair in found.values() for price in pair):
        raise ImproperlyConfigured(f"{name} must hold prices of 0 or more.")
    return found


DEBUG = env.bool("DEBUG", default=False)

# Database

RUN_LEASE_S = positive("RUN_LEASE_S", 15)
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{Path.cwd() / 'hep.sqlite3'}")}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that will write takes the lock when it begins: upgrading a read later fails with
        # "database is locked" whatever the time-out.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # NORMAL in WAL mode loses nothing to a crash of the process; only a power cut can take the last commits.
        # The log of each run grows in a page of its own: with the usual 4 MB a busy server copies pages from the WAL to
        # the file that change again at once.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
        "PRAGMA wal_autocheckpoint=16000;",
    }
    _kept = read_or_make(Path(f"{DATABASES['default']['NAME']}.keys"))
else:
    _kept = {}
    for _name in ("SECRET_KEY", "FIELD_KEYS"):
        if not env.str(_name, default=""):
            raise ImproperlyConfigured(f"{_name} must be set when DATABASE_URL is not a SQLite file.")
    # A worker that is stopped in the middle of a transaction keeps its locks; without them whoever takes its runs over
    # would wait for it to wake.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
        f"-c idle_in_transaction_session_timeout={RUN_LEASE_S * 1000:.0f}"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = env.str("SECRET_KEY", default=_kept.get("SECRET_KEY", ""))
# "id:key, …" with 32 random bytes each in URL-safe base64; the first one encrypts, all decrypt.
FIELD_KEYS = env.str("FIELD_KEYS", default=_kept.get("FIELD_KEYS", ""))
DEMO_PASSWORD = _kept.get("DEMO_PASSWORD")

# Hosts and origins

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts; '*' would let any site drive this server.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list(
    "CORS_ALLOWED_ORIGINS",
    # Where a front end's development server listens.
    default=["http://localhost:5173", "http://127.0.0.1:5173"] if DEBUG else [],
)
HTTPS = any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# The __Host- prefix binds the cookie to this host, and browsers take it only over https.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# Applications

INSTALLED_APPS = [
    # Before staticfiles, whose runserver it replaces.
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles, so that runserver serves as production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "django_htmx",
    "csp",
    "metrics",
    "generation",
]

MIDDLEWARE = [
    # The first, since those after it answer by themselves too, as with a redirect to the path with its slash.
    "hepcompanion.middleware.private_responses",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "generation.language_pages.own_language",
]

ROOT_URLCONF = "hepcompanion.urls"
ASGI_APPLICATION = "hepcompanion.asgi.application"
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
                "csp.context_processors.nonce",
            ],
        },
    },
]

AUTH_USER_MODEL = "generation.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("da", "Dansk")]
# One catalogue for all applications and templates: `manage.py makemessages -l da --no-location --no-wrap`.
LOCALE_PATHS = [BASE_DIR / "generation" / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Straight from the app folders: there is no collectstatic to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "generation.permissions.ApiTokenAuthentication",
        "generation.permissions.SameOriginSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["generation.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "generation.negotiation.FirstRenderer",
    # OPTIONS is for preflights; DRF's own answer to it wants serializers that these views have not.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "generation.schema.hooks.DescribedView",
    "EXCEPTION_HANDLER": "generation.views.errors.error_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HEP Companion",
    "DESCRIPTION": (
        "Runs that write clinical material, and the log that everyone may follow. Every refusal has one form, `Error`; "
        "another method than those listed is answered with 405 and `Allow`. `/api/asyncapi.json` has the sockets too."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["generation.schema.hooks.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/generation/favicon.svg",
    # By default the page would ask a service elsewhere whether the document is valid.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}
KNOX_TOKEN_MODEL = "generation.ApiToken"
# Knox's own migrations make a table for its own token model, which nothing would use.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_TTL": timedelta(days=90)}

# Runs

EXECUTOR = env.str("HEP_EXECUTOR", default="inprocess")
if EXECUTOR != "inprocess":
    raise ImproperlyConfigured(
        f"HEP_EXECUTOR is {EXECUTOR!r}, but this version has only 'inprocess'; 'procrastinate' is not built yet."
    )
REDIS_URL = env.str("REDIS_URL", default="")
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                # redis-py 8 gives up a read after 5 s, which would end every idle subscription.
                "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
                # Hints carry frames, and frames hold health data.
                "symmetric_encryption_keys": [SECRET_KEY],
            },
        }
        if REDIS_URL
        else {"BACKEND": "generation.layers.InProcessChannelLayer"}
    )
}

MAX_ACTIVE_RUNS_PER_USER = whole("MAX_ACTIVE_RUNS_PER_USER", 5)
MAX_STARTS_PER_MINUTE = whole("MAX_STARTS_PER_MINUTE", 30)
MAX_OPEN_STREAMS_PER_USER = whole("MAX_OPEN_STREAMS_PER_USER", 20)
MAX_CONCURRENT_RUNS = whole("MAX_CONCURRENT_RUNS", 100, least=0)
MAX_BATCH_ROWS = whole("MAX_BATCH_ROWS", 100)
EVENT_RETENTION_DAYS = whole("EVENT_RETENTION_DAYS", 7)
# Of people without a clinic; each clinic has its own.
DRAFT_RETENTION_DAYS = whole("DRAFT_RETENTION_DAYS", 30)
PROGRAM_RETENTION_YEARS = whole("PROGRAM_RETENTION_YEARS", 0, least=0)
METRICS_RETENTION_DAYS = whole("METRICS_RETENTION_DAYS", 730)
MAX_BODY_BYTES = whole("MAX_BODY_BYTES", 262_144)
# The body limit above is checked before Django sees the body, in the same words for every route.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
OWNED_STREAM_GRACE_S = positive("OWNED_STREAM_GRACE_S", 2)
STREAM_MAX_BYTES = whole("STREAM_MAX_BYTES", 4_000_000)
HEARTBEAT_S = positive("HEARTBEAT_S", 15)
ACCESS_RECHECK_S = positive("ACCESS_RECHECK_S", 30)

# The model server: none without a model's name, and then the embedded composer writes.

MODEL = env.str("OPENAI_MODEL", default="")
# By kind, where one needs another model than the rest: "procedure=large,health_chat=small".
MODEL_BY_KIND = env.dict("MODEL_BY_KIND", default={})
MODEL_API_KEY = env.str("OPENAI_API_KEY", default="")
MODEL_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1").rstrip("/")
try:
    # Asking for the port is what raises for one that is no number.
    _address = urlsplit(MODEL_BASE_URL)
    _found = _address.scheme in ("http", "https") and _address.hostname and (_address.port or True)
except ValueError:
    _found = False
if not _found:
    raise ImproperlyConfigured("OPENAI_BASE_URL must be an address such as https://host/v1.")
# Only for addresses of Azure OpenAI that want one: those that end in /openai.
MODEL_API_VERSION = env.str("OPENAI_API_VERSION", default="")
# Dollars for a million tokens that are read and written: "small=0.15:0.60,large=2.50:10".
MODEL_PRICES = prices("MODEL_PRICES")
MODEL_CONNECT_TIMEOUT_S = positive("MODEL_CONNECT_TIMEOUT_S", 10)
MODEL_FIRST_TOKEN_TIMEOUT_S = positive("MODEL_FIRST_TOKEN_TIMEOUT_S", 20)
MODEL_IDLE_TIMEOUT_S = positive("MODEL_IDLE_TIMEOUT_S", 30)
MODEL_TOTAL_TIMEOUT_S = positive("MODEL_TOTAL_TIMEOUT_S", 300)
MODEL_MAX_WAIT_S = positive("MODEL_MAX_WAIT_S", 30)
MODEL_MAX_STREAMS = whole("MODEL_MAX_STREAMS", 50)
MODEL_MAX_OUTPUT_TOKENS = whole("MODEL_MAX_OUTPUT_TOKENS", 4000)

COMPOSER_PACE_S = env.float("COMPOSER_PACE_S", default=0.0)
# Names that are fixed for parts which are still to come; setting one is answered by a system check.
NOT_YET = [name for name in ("LITERATURE_ONLINE",) if name in env.ENVIRON]

# Whether there is `/metrics`, and what a scraper says as `Authorization: Bearer …`; without it, only staff read it.

PROMETHEUS = env.bool("PROMETHEUS", default=False)
PROMETHEUS_TOKEN = env.str("PROMETHEUS_TOKEN", default="")

# Logs hold ids, codes and durations; never the text of a case.

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
_shared_processors: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": _shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                places_of_error,
                without_tokens,
                structlog.dev.ConsoleRenderer(colors=False)
                if sys.stderr.isatty()
                else structlog.processors.JSONRenderer(),
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Its DEBUG prints whole request bodies.
        "openai": {"level": "WARNING"},
        # Their INFO is a line for each request; Daphne's and uvicorn's own access logs are the place for that.
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django.db.backends": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

UNFOLD = {
    "SITE_TITLE": "HEP Companion",
    "SITE_HEADER": "HEP Companion",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("generation/favicon.svg")},
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "metrics.dashboard.menu.navigation"},
    "DASHBOARD_CALLBACK": "metrics.dashboard.menu.index",
}
