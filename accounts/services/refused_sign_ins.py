"""How often sign-in to an account was refused lately, as far as the counts of the rate limits tell.

These counts are all that is stored about refused sign-ins, and are kept only as long as they count (5 minutes). Devices on
which a person has signed in before have counts of their own. They can't be found here, because only the device knows its id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.core.internal.ratelimit import Rate, get_cache_key, get_rates
from django.core.cache import cache
from django.http import HttpRequest

from accounts.models import User

APP, ACTION = "allauth.account", "login_failed"


@dataclass(frozen=True, slots=True)
class RefusedSignIns:
    """How many wrong passwords on new devices, and how many wrong codes, still count.

    If passwords or codes are locked, it also says until when.
    """

    passwords: int = 0
    codes: int = 0
    passwords_locked_until: datetime | None = None
    codes_locked_until: datetime | None = None

    @property
    def is_locked(self) -> bool:
        """Whether passwords on new devices, or codes, are refused now."""
        return self.passwords_locked_until is not None or self.codes_locked_until is not None


def counted_for() -> timedelta:
    """Return how long a refused sign-in counts."""
    return timedelta(seconds=_rate().duration)


def refused_sign_ins(
    users: Collection[User], *, request: HttpRequest, host: str, now: datetime
) -> dict[int, RefusedSignIns]:
    """Map the ids of the users to what was refused lately. Reads the cache once.

    `host` is the host name at which people sign in. Wrong passwords are counted for each host and address.
    """
    rate = _rate()
    names = {user.pk: (f"{host}:{user.email.lower()}", f"mfa-auth-user-{user.pk}") for user in users}
    keys = {
        name: get_cache_key(request, app=APP, action=ACTION, rate=rate, key=name)
        for pair in names.values()
        for name in pair
    }
    found = cache.get_many(keys.values())
    counts = {name: _count(found.get(key, ()), rate, now) for name, key in keys.items()}
    return {
        user_id: RefusedSignIns(counts[password][0], counts[code][0], counts[password][1], counts[code][1])
        for user_id, (password, code) in names.items()
    }


def _rate() -> Rate:
    """Return the limit for each account, which is the one of the limits that has a key."""
    [rate] = [each for each in get_rates(app=APP, action=ACTION) if each.per == "key"]
    return rate


def _count(tries: Sequence[float], rate: Rate, now: datetime) -> tuple[int, datetime | None]:
    """Return how many of the tries count, and until when no more are allowed. The latest try comes first."""
    counting = [each for each in tries if each > now.timestamp() - rate.duration]
    if len(counting) < rate.amount:
        return len(counting), None
    return len(counting), datetime.fromtimestamp(counting[rate.amount - 1] + rate.duration, UTC)
