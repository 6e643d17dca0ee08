"""Where mail goes: into the outbox, and from there to the mail server."""

from pathlib import Path

import dj_email_url


def choose_mailers(email_url: str, *, folder: Path, in_memory: bool) -> dict[str, dict[str, object]]:
    """Return Django's MAILERS. All mail is put into the outbox. From there, the background worker sends it to `server`.

    The server is the one in `email_url`. If that is blank, messages are written to `folder`, or kept in memory for tests.
    """
    server: dict[str, object] = {
        "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": {"file_path": str(folder)},
    }
    if email_url:
        parsed = dj_email_url.parse(email_url)
        options = {
            "host": parsed["EMAIL_HOST"],
            "port": parsed["EMAIL_PORT"],
            "username": parsed["EMAIL_HOST_USER"] or None,
            "password": parsed["EMAIL_HOST_PASSWORD"] or None,
            "use_tls": parsed["EMAIL_USE_TLS"],
            "use_ssl": parsed["EMAIL_USE_SSL"],
            "timeout": 10,
        }
        server = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
    elif in_memory:
        server = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    return {"default": {"BACKEND": "accounts.services.outbox.OutboxBackend"}, "server": server}
