"""A person's sign-ins: store and read the data of a sign-in in its session, list the sign-ins, and end them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.db import models, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.audit import record
from accounts.domain.devices import DeviceNames, name_device
from accounts.domain.sign_in_limits import SignInLimits
from accounts.models import Action, AuditEvent, BrowserSession, User
from accounts.services.session_store import SessionStore

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

SIGNED_IN_AT = "signed_in_at"
IDLE_SECONDS = "idle_seconds"
DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSignIn:
    """One of a person's sign-ins. The id names it on pages. It is not the session's key, which is a secret."""

    id: str
    device: DeviceNames
    signed_in_at: datetime
    active_at: datetime
    is_this_one: bool


def begin_sign_in(session: "SessionBase", *, user_agent: str, longest_pause: timedelta, now: datetime) -> None:
    """Store in the session when the person signed in, on which device, and how long they may be inactive."""
    session[SIGNED_IN_AT] = now.timestamp()
    session[IDLE_SECONDS] = longest_pause.total_seconds()
    session[DEVICE] = list(name_device(user_agent))
    if isinstance(session, SessionStore):
        session.active_at = now


def limits_of(session: "SessionBase", now: datetime) -> SignInLimits:
    """Return when the sign-in of this session began, and when it ends."""
    active_at = session.active_at if isinstance(session, SessionStore) else None
    return _limits(session, active_at or now)


def sign_ins_of(user: User, *, this_key: str | None, now: datetime) -> list[OpenSignIn]:
    """Return the user's sign-ins that have not ended: the current one first, then the most recently active.

    `this_key` is the key of the current session.
    """
    found = [_open_sign_in(row, content, this_key) for row, content in _valid_sessions(user, now)]
    return sorted(found, key=lambda each: (not each.is_this_one, -each.active_at.timestamp()))


def record_sign_in(user: User, *, user_agent: str, now: datetime) -> None:
    """Write to the audit trail that the user has signed in, with the names of the browser and the system."""
    device = " on ".join(name for name in name_device(user_agent) if name)
    record(user, by=user, action=Action.SIGNED_IN, at=now, detail=device)


@dataclass(frozen=True, slots=True)
class RecordedSignIn:
    """A sign-in in the audit trail: when it was, and on which device."""

    at: datetime
    device: DeviceNames


def recorded_sign_ins(user: User, *, most: int) -> list[RecordedSignIn]:
    """Return the user's latest sign-ins in the audit trail, at most so many, and the latest first."""
    events = AuditEvent.objects.filter(actor_key=user.pk, action=Action.SIGNED_IN)[:most]
    names = [(event.at, event.detail.partition(" on ")) for event in events]
    return [RecordedSignIn(at, DeviceNames(browser, system)) for at, (browser, _on, system) in names]


@transaction.atomic
def end_all_sign_ins(user: User, *, about: models.Model, by: User, now: datetime) -> int:
    """End all sign-ins of the user, and return how many there were. Every device is signed out at its next request.

    `about` is the record that the audit event is about: the user, or the patient to whom the user belongs.
    """
    ended = len(_valid_sessions(user, now))
    delete_sessions(user)
    if ended:
        record(about, by=by, action=Action.ENDED, at=now, detail=f"all sign-ins: {ended}")
    return ended


@transaction.atomic
def end_sign_ins(user: User, ids: Collection[str] | None, *, this_key: str | None, by: User, now: datetime) -> int:
    """End other sign-ins of the user: the ones with these ids, or all if `ids` is None. Return how many were ended.

    `this_key` is the key of the current session, which does not end. Other devices are signed out at their next request.
    """
    valid = {row.pk for row, _ in _valid_sessions(user, now)}
    keys = [key for key in valid if key != this_key and (ids is None or _id_of(key) in ids)]
    BrowserSession.objects.filter(pk__in=keys).delete()
    if keys:
        record(user, by=by, action=Action.ENDED, at=now, detail=f"sign-ins on other devices: {len(keys)}")
    return len(keys)


def delete_sessions(user: User) -> None:
    """Delete all sessions of the user. This signs the user out everywhere."""
    BrowserSession.objects.filter(user=user).delete()


def _valid_sessions(user: User, now: datetime) -> list[tuple[BrowserSession, dict[str, Any]]]:
    """Return the user's sessions, each with its content.

    Left out are sessions that ended by themselves, and sessions that began with an earlier password. They stay in the
    table until a browser uses them, or until they expire and a nightly job deletes them.
    """
    rows = BrowserSession.objects.filter(user=user, expire_date__gt=now)
    decoded = [(row, row.get_decoded()) for row in rows]
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return [
        (row, content)
        for row, content in decoded
        if any(constant_time_compare(content.get(HASH_SESSION_KEY, ""), each) for each in hashes)
        and _limits(content, row.active_at).ended_by(now) is None
    ]


def _limits(content: "SessionBase | dict[str, Any]", active_at: datetime) -> SignInLimits:
    return SignInLimits(
        signed_in_at=datetime.fromtimestamp(content.get(SIGNED_IN_AT, active_at.timestamp()), UTC),
        active_at=active_at,
        longest_pause=timedelta(seconds=content.get(IDLE_SECONDS, settings.STAFF_IDLE_MINUTES * 60)),
        longest=timedelta(hours=settings.SIGN_IN_HOURS),
    )


def _open_sign_in(row: BrowserSession, content: dict[str, Any], this_key: str | None) -> OpenSignIn:
    return OpenSignIn(
        id=_id_of(row.pk),
        device=DeviceNames(*content.get(DEVICE, ("", ""))),
        signed_in_at=_limits(content, row.active_at).signed_in_at,
        active_at=row.active_at,
        is_this_one=row.pk == this_key,
    )


def _id_of(key: str) -> str:
    return salted_hmac("accounts.services.sign_ins", key, algorithm="sha256").hexdigest()[:32]
