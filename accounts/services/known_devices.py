"""Recognize a device on which a person has signed in before, by a signed cookie.

Wrong passwords from a recognized device are counted separately. A stranger who keeps guessing can therefore not lock
out people on devices that they have used before.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from secrets import token_urlsafe

from django.core import signing
from django.utils.crypto import salted_hmac

COOKIE = "device"
COOKIE_AGE = timedelta(days=365)
MOST_PEOPLE = 20
"""Maximum number of people that a device remembers. It forgets the people who signed in least recently."""

_SALT = "accounts.services.known_devices"


@dataclass(frozen=True, slots=True)
class Device:
    """A device: a random id, and the people who have signed in on it, each as a hash of their email address."""

    id: str
    people: tuple[str, ...] = ()

    def knows(self, email: str) -> bool:
        """Whether somebody with this email address has signed in on the device."""
        return _person(email) in self.people


def read_device(cookie: str) -> Device | None:
    """Return the device that a cookie names. Return None if the cookie is forged, damaged or more than a year old."""
    try:
        key, people = signing.loads(cookie, salt=_SALT, max_age=COOKIE_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Device(key, tuple(people))


def remember_person(device: Device | None, email: str) -> str:
    """Return the new cookie of a device on which this person has just signed in. A new device gets a random id."""
    device = device or Device(token_urlsafe(16))
    person = _person(email)
    others = tuple(each for each in device.people if each != person)
    device = replace(device, people=(person, *others)[:MOST_PEOPLE])
    return signing.dumps([device.id, device.people], salt=_SALT)


def _person(email: str) -> str:
    """Return a hash of the email address. The cookie contains only hashes, so it does not tell who uses the device."""
    return salted_hmac(_SALT, email.strip().lower(), algorithm="sha256").hexdigest()[:22]
