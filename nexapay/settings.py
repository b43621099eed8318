"""One module for every environment. Defaults are the production ones; env.py refuses nonsense."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from nexapay import devdb, env
from nexapay.kernel import logs

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("NEXAPAY_DATA_DIR", str(BASE_DIR / ".nexapay")))

DEBUG = env.flag("DEBUG", default=False)
HTTPS = env.flag("HTTPS", default=not DEBUG)
SECRET_KEY = env.text("SECRET_KEY", "insecure-key-for-development-only" if DEBUG else None)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]" if DEBUG else None)
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", "")
SITE_URL = env.url("SITE_URL", f"http://127.0.0.1:{env.number('PORT', 8000, low=1, high=65535)}")

# Apps

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "procrastinate.contrib.django",
    "nexapay.kernel",
    "accounts",
    "wallet",
    "onramp",
    "onramp.simbank",
    # Measurements and torture, which an image leaves out.
    *(["bench"] if find_spec("bench") else []),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "nexapay.kernel.middleware.RequestLog",
    "nexapay.kernel.middleware.Utf8Only",
    "nexapay.kernel.policy.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.backends.SignedIn",
    "nexapay.kernel.middleware.SignedInOnly",
    "nexapay.kernel.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "nexapay.urls"
WSGI_APPLICATION = "nexapay.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["nexapay.kernel.tags", "nexapay.kernel.movements"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "nexapay.kernel.context.shell",
            ],
        },
    }
]

# Database. Timeouts are set once, for every connection: no request waits on a lock for long.

DATABASE_URL = env.text("DATABASE_URL", "")
if not DATABASE_URL:
    if not DEBUG:
        raise ImproperlyConfigured("DATABASE_URL is not set. Only DEBUG=1 may do without it.")
    DATABASE_URL = devdb.url(DATA_DIR)
TIMEOUTS = env.text("DATABASE_TIMEOUTS", "connection")
if TIMEOUTS not in {"connection", "role"}:
    raise ImproperlyConfigured("DATABASE_TIMEOUTS must be connection, or role behind PgBouncer.")
DATABASES = {
    "default": env.database("DATABASE_URL", DATABASE_URL)
    | {
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # The suite's database is made once for each worker, from the migrations.
        "TEST": {"NAME": env.text("TEST_DATABASE_NAME", "test_nexapay")},
    }
}
DATABASES["default"]["OPTIONS"] |= {  # type: ignore[operator]
    # nexapay.kernel.wire prepares what is worth it, and plans that once for every value. The ORM's
    # other queries carry their values in their text and are planned for them.
    "prepare_threshold": None,
    "connect_timeout": 5,
    **env.SILENT_SERVER,
}
if TIMEOUTS == "connection":
    DATABASES["default"]["OPTIONS"]["options"] = (  # type: ignore[index]
        "-c lock_timeout=2s -c statement_timeout=5s -c idle_in_transaction_session_timeout=10s"
        # Plans are kept, those of the judges too: what reads a young table from end to end, or up
        # to a row, goes on doing so when it has grown. Who needs a whole table: db.whole_tables.
        " -c enable_seqscan=off -c enable_mergejoin=off -c enable_memoize=off"
        # Planning for each list anew cost more than what was planned. Pages lie in memory mostly.
        " -c plan_cache_mode=force_generic_plan -c random_page_cost=1.1"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The default cache holds throttles and one-time codes, so it must outlive a worker and a restart.
# CACHE_URL may add Redis as a second cache that only speeds things up.

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "nexapay_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
if CACHE_URL := env.text("CACHE_URL", ""):
    CACHES["fast"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.url("CACHE_URL", schemes=("redis", "rediss")),
    }

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["accounts.hashers.Argon2PasswordHasher"]
_SIMILAR_TO = {"user_attributes": ("name", "handle", "phone", "email")}
AUTH_PASSWORD_VALIDATORS: list[dict[str, object]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": _SIMILAR_TO,
        "MinimumLengthValidator": {},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "wallet:dashboard"
LOGOUT_REDIRECT_URL = "home"
PHONE_REGION = "IN"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
# allauth's word for the handle is username. It opens the door as well: staff may have nothing else.
ACCOUNT_LOGIN_METHODS = {"phone", "email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "phone", "email", "password1*"]
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = "handle"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# A stranger gets no mail because somebody typed their address.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PHONE_VERIFICATION_ENABLED = False
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_SESSION_REMEMBER = True
# Tries at one phone, email or handle, for each window, kept in the default cache.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/5m/key",
    "change_password": "10/m/user",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    # allauth takes a lock for each count, and refuses who waits a second for it: sixteen people
    # behind one router, signing in at once, do. Tries from one address go through our throttle.
    "login": None,
    "signup": None,
}
# One address may be a whole office: these stop machines, the limit above stops who guesses.
SIGN_INS_PER_MINUTE = 120
# Fewer: each tells whether a phone or an email has an account (docs/decisions/0010).
SIGN_UPS_PER_MINUTE = 20

# Mail. Without EMAIL_URL none is sent, and nobody is offered a new password by mail. A plain run
# says console: and prints what it would send.

EMAIL_URL = env.text("EMAIL_URL", "") or ("console:" if DEBUG else "")
SENDS_MAIL = bool(EMAIL_URL)
_BACKEND = {"": "dummy", "console:": "console"}.get(EMAIL_URL, "smtp")
EMAIL_BACKEND = f"django.core.mail.backends.{_BACKEND}.EmailBackend"
if _BACKEND == "smtp":
    globals().update(env.mail("EMAIL_URL"))  # EMAIL_HOST and what goes with it
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", None if _BACKEND == "smtp" else "NexaPay <no-reply@nexapay.example>"
)

# Web

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
# How many proxies of ours stand in front; each adds one address to X-Forwarded-For.
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, high=10)
# Without a proxy of ours, the header is what a client says of itself.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXY_COUNT else None
)
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "nexapay.kernel.views.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Kolkata"

# What gunicorn reads for itself is checked for every process, so that a bad value stops the start.
env.number("WEB_CONCURRENCY", 2, low=1, high=64)

LOGGING = logs.config(level=env.text("LOG_LEVEL", "INFO"))
logs.configure()

# Money, in minor units of DEFAULT_CURRENCY

DEFAULT_CURRENCY = env.currency("DEFAULT_CURRENCY", "INR")
TRANSFER_MAX_MINOR = env.number("TRANSFER_MAX_MINOR", 100_000_000, low=1)
ONRAMP_MIN_MINOR = env.number("ONRAMP_MIN_MINOR", 1_000, low=1)
ONRAMP_MAX_MINOR = env.number("ONRAMP_MAX_MINOR", 10_000_000, low=1)
ONRAMP_EXPIRES_AFTER_S = env.number("ONRAMP_EXPIRES_AFTER_S", 1800, low=60)
PAYOUT_MIN_MINOR = env.number("PAYOUT_MIN_MINOR", 1_000, low=1)
PAYOUT_MAX_MINOR = env.number("PAYOUT_MAX_MINOR", 10_000_000, low=1)
PAYOUT_SUBMIT_AFTER_S = env.number("PAYOUT_SUBMIT_AFTER_S", 60, low=0, high=86_400)
PAYOUT_RETURN_DAYS = env.number("PAYOUT_RETURN_DAYS", 14, low=0, high=90)
PAYOUT_NEW_ACCOUNT_MAX_MINOR = env.number("PAYOUT_NEW_ACCOUNT_MAX_MINOR", 1_000_000, low=1)

# Signed heads of the ledger. Only a process that signs needs the private key.

CHECKPOINT_KEY = env.seed("CHECKPOINT_KEY")
# A name and no address: the port of a plain run may change, and what was signed may not.
CHECKPOINT_ORIGIN = env.origin("CHECKPOINT_ORIGIN", f"{urlsplit(SITE_URL).hostname}/ledger")
CHECKPOINT_VERIFIERS = env.verifiers("CHECKPOINT_VERIFIERS")

# The bank

BANK_WEBHOOK_MODE = env.text("BANK_WEBHOOK_MODE", "direct")
if BANK_WEBHOOK_MODE not in {"direct", "queue"}:
    raise ImproperlyConfigured("BANK_WEBHOOK_MODE must be direct or queue.")
BANK = env.text("BANK", "simbank")
if BANK not in {"simbank", "razorpay"}:
    raise ImproperlyConfigured(f"BANK is {BANK!r}; it must be simbank or razorpay.")
BANK_ASK_AFTER_S = env.number("BANK_ASK_AFTER_S", 120, low=10, high=86_400)
if BANK == "simbank":
    BANK_WEBHOOK_SECRETS = env.webhook_secrets("BANK_WEBHOOK_SECRET")
    BANK_API_URL = env.url("BANK_API_URL", "http://127.0.0.1:8001")
    BANK_API_KEY = env.text("BANK_API_KEY", "insecure-bank-key" if DEBUG else None)
else:
    BANK_API_URL = env.url("BANK_API_URL", "https://api.razorpay.com")
    RAZORPAY_KEY_ID = env.text("RAZORPAY_KEY_ID")
    RAZORPAY_KEY_SECRET = env.text("RAZORPAY_KEY_SECRET")
    RAZORPAY_WEBHOOK_SECRETS = env.secrets("RAZORPAY_WEBHOOK_SECRET")
    RAZORPAY_ACCOUNT_NUMBER = env.text("RAZORPAY_ACCOUNT_NUMBER")
BANK_WEBHOOK_URL = env.url("BANK_WEBHOOK_URL", f"{SITE_URL}/webhooks/bank") + "/"
