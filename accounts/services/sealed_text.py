"""Encrypt texts and files that are stored, such as the secret of an authenticator app.

The key is made from SECRET_KEY. After SECRET_KEY has changed, texts that were sealed before can still be opened with an
old key in SECRET_KEY_FALLBACKS.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "accounts.services.sealed_text"


class CannotUnseal(Exception):
    """The text was damaged, or it was sealed with a key that this server does not have."""


def seal(text: str) -> str:
    """Return the text, encrypted and protected against changes."""
    return _ciphers().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the original text. Raises CannotUnseal if `sealed` was changed, or if its key is no longer known."""
    try:
        return _ciphers().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotUnseal from None


def seal_bytes(data: bytes) -> bytes:
    """Return the data, encrypted and protected against changes."""
    return _ciphers().encrypt(data)


def unseal_bytes(sealed: bytes) -> bytes:
    """Return the original data. Raises CannotUnseal as `unseal` does."""
    try:
        return _ciphers().decrypt(sealed)
    except InvalidToken:
        raise CannotUnseal from None


def _ciphers() -> MultiFernet:
    return MultiFernet([_cipher(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _cipher(secret: str) -> Fernet:
    return Fernet(urlsafe_b64encode(salted_hmac(_SALT, "encryption", secret=secret, algorithm="sha256").digest()))
