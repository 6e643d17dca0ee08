"""The settings in complete, unsafe and incomplete environments."""

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError

from tests.paths import PROJECT

SETTINGS = PROJECT / "iopmanager" / "settings.py"
KEY = "nY3vq0Zs8TtWmB5kLc7RjXpD2fHgA9eUi4oKx6VwQa1MzNbCdE"
GOOD = {
    "DEPLOYMENT": "production",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "clinic.example,www.clinic.example",
    "DATABASE_URL": "postgres://clinic:p%40ss@db.example:5433/clinic",
    "EMAIL_URL": "submission://clinic:p%40ss@mail.example",
}
READ = (
    "DEBUG",
    "DEMO_SIGN_INS",
    "EMPTY",
    "HOST",
    "CSRF_TRUSTED_ORIGINS",
    "SECURE_SSL_REDIRECT",
    "BEHIND_PROXY",
    "DEFAULT_FROM_EMAIL",
    "PUBLIC_URL",
    "HORIZON_WEEKS",
)

ReadSettings = Callable[..., dict[str, Any]]


@pytest.fixture
def read_settings(monkeypatch: pytest.MonkeyPatch) -> ReadSettings:
    """Return a function that reads the settings in exactly the given environment."""

    def read(environment: dict[str, str], path: Path = SETTINGS) -> dict[str, Any]:
        for name in (*GOOD, *READ):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(path))

    return read


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the path of the settings in a new checkout. The checkout's folder has spaces and a percent sign in its name."""
    folder = tmp_path / "a clinic at 100%"
    (folder / "iopmanager").mkdir(parents=True)
    (folder / "var").mkdir()
    shutil.copy(SETTINGS, folder / "iopmanager" / "settings.py")
    return folder / "iopmanager" / "settings.py"


def test_a_complete_environment_gives_safe_production_settings(read_settings: ReadSettings) -> None:
    settings = read_settings(GOOD)
    assert not settings["DEBUG"]
    assert settings["ALLOWED_HOSTS"] == ["clinic.example", "www.clinic.example"]
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["CSRF_COOKIE_SECURE"]
    assert settings["SECURE_SSL_REDIRECT"]
    assert settings["SECURE_HSTS_SECONDS"] == 31_536_000
    assert settings["DEFAULT_FROM_EMAIL"] == "no-reply@clinic.example"
    assert settings["PUBLIC_URL"] == "https://clinic.example"
    database = settings["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["PASSWORD"]) == ("db.example", 5433, "p@ss")
    assert settings["MAILERS"]["default"] == {"BACKEND": "accounts.services.outbox.OutboxBackend"}
    assert settings["MAILERS"]["server"] == {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": "mail.example",
            "port": 587,
            "username": "clinic",
            "password": "p@ss",
            "use_tls": True,
            "use_ssl": False,
            "timeout": 10,
        },
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SECRET_KEY", None, id="no key"),
        pytest.param("SECRET_KEY", KEY[:49], id="a key that is one character short"),
        pytest.param("SECRET_KEY", "ab" * 40, id="a key of two characters"),
        pytest.param("SECRET_KEY", "django-insecure-" + KEY, id="a key that a generator of projects wrote"),
        pytest.param("ALLOWED_HOSTS", None, id="no hosts"),
        pytest.param("ALLOWED_HOSTS", "", id="an empty list of hosts"),
        pytest.param("ALLOWED_HOSTS", "clinic.example,*", id="every host"),
        pytest.param("DATABASE_URL", None, id="no database"),
        pytest.param("DATABASE_URL", "mysql://clinic@db.example/clinic", id="a database that is not supported"),
        pytest.param("EMAIL_URL", None, id="no mail"),
        pytest.param("EMAIL_URL", "console://", id="mail that goes nowhere"),
        pytest.param("EMAIL_URL", "smtp+tls://mail.example", id="mail by an unknown scheme"),
        pytest.param("DEBUG", "1", id="debugging"),
        pytest.param("DEMO_SIGN_INS", "1", id="the demo's staff without a second factor"),
    ],
)
def test_production_refuses_one_unsafe_or_missing_setting_by_name(
    read_settings: ReadSettings, name: str, value: str | None
) -> None:
    environment = {**GOOD, name: value}
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_settings({key: text for key, text in environment.items() if text is not None})
    heading, *faults = str(refusal.value).splitlines()
    assert heading == "The server does not start in production:"
    assert [fault.split()[0] for fault in faults] == [name]


def test_production_names_everything_that_is_missing_at_once(read_settings: ReadSettings) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_settings({"DEPLOYMENT": "production", "DEBUG": "true"})
    faults = str(refusal.value).splitlines()[1:]
    assert [fault.split()[0] for fault in faults] == [
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "EMAIL_URL",
        "DEBUG",
    ]


def test_an_error_message_does_not_repeat_a_secret(read_settings: ReadSettings) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_settings({**GOOD, "SECRET_KEY": "hunter2", "DATABASE_URL": "mysql://me:hunter2@db/x"})
    assert "hunter2" not in str(refusal.value)


def test_a_checkout_without_a_generated_key_is_production(read_settings: ReadSettings, checkout: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="does not start in production"):
        read_settings({}, checkout)


def test_a_checkout_with_a_generated_key_is_local(read_settings: ReadSettings, checkout: Path) -> None:
    (checkout.parents[1] / "var" / "secret-key").write_text(KEY + "\n")
    settings = read_settings({}, checkout)
    assert settings["DEPLOYMENT"] == "local"
    assert settings["SECRET_KEY"] == KEY
    assert not settings["DEBUG"]
    assert settings["DATABASES"]["default"]["NAME"] == str(checkout.parents[1] / "var" / "iopmanager.sqlite3")
    assert settings["MAILERS"]["server"]["BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL"])
def test_a_checkout_half_set_up_for_production_is_not_served_as_local(
    read_settings: ReadSettings, checkout: Path, name: str
) -> None:
    (checkout.parents[1] / "var" / "secret-key").write_text(KEY + "\n")
    with pytest.raises(ImproperlyConfigured, match="does not start in production"):
        read_settings({name: GOOD[name]}, checkout)


def test_a_local_deployment_without_a_key_says_which_command_makes_one(
    read_settings: ReadSettings, checkout: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match="make run"):
        read_settings({"DEPLOYMENT": "local"}, checkout)


def test_an_unknown_deployment_is_refused(read_settings: ReadSettings) -> None:
    with pytest.raises(ImproperlyConfigured, match="production, local or test"):
        read_settings({**GOOD, "DEPLOYMENT": "staging"})


def test_forwarded_headers_are_trusted_only_behind_a_proxy(read_settings: ReadSettings) -> None:
    behind_proxy = read_settings({**GOOD, "BEHIND_PROXY": "1"})
    assert behind_proxy["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert behind_proxy["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1
    without_proxy = read_settings(GOOD)
    assert "SECURE_PROXY_SSL_HEADER" not in without_proxy
    assert "ALLAUTH_TRUSTED_PROXY_COUNT" not in without_proxy


@pytest.mark.parametrize("weeks", ["0", "53", "twelve"])
def test_the_horizon_must_be_between_a_week_and_a_year(read_settings: ReadSettings, weeks: str) -> None:
    with pytest.raises(EnvValidationError, match="HORIZON_WEEKS"):
        read_settings({**GOOD, "HORIZON_WEEKS": weeks})


def test_the_content_security_policy_names_no_other_host(read_settings: ReadSettings) -> None:
    policy = read_settings(GOOD)["SECURE_CSP"]
    sources = {source for allowed in policy.values() for source in allowed}
    assert sources == {"'none'", "'self'", "data:"}


@pytest.mark.parametrize(("debug", "is_complete"), [("1", True), ("0", False)])
def test_all_of_bootstrap_is_served_only_when_debugging(
    read_settings: ReadSettings, settings: Any, debug: str, is_complete: bool
) -> None:
    read = read_settings({"DEPLOYMENT": "local", "SECRET_KEY": KEY, "DEBUG": debug})
    settings.STATICFILES_DIRS = read["STATICFILES_DIRS"]
    found = FileSystemFinder().find("vendor/bootstrap/bootstrap.min.css")
    assert ("node_modules" in str(found)) is is_complete


@pytest.mark.parametrize(("empty", "is_demo"), [("0", True), ("1", False)])
def test_only_the_demo_clinic_needs_no_second_factor(read_settings: ReadSettings, empty: str, is_demo: bool) -> None:
    settings = read_settings({"DEPLOYMENT": "local", "SECRET_KEY": KEY, "EMPTY": empty})
    assert settings["STAFF_NEED_SECOND_FACTOR"]
    assert settings["DEMO_SIGN_INS"] is is_demo
    assert read_settings(GOOD)["STAFF_NEED_SECOND_FACTOR"]
    assert not read_settings(GOOD)["DEMO_SIGN_INS"]
