"""Where mail goes: into the outbox, and from there to the mail server."""

from pathlib import Path

import dj_email_url


def choose_mailers(email_url: str, *, folder: Path, in_memory: bool) -> dict[str, dict[str, object]]:
    """Return Django's setting MAILERS. The default mailer is the outbox; the background worker sends with `server`.

    The mailer `server` connects to the mail server in `email_url`. If `email_url` is blank, it writes the messages to
    `folder` or, for tests, keeps them in memory.
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
