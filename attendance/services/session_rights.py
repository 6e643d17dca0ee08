"""What a user may see of a session, and what the user may do with the session's attendance."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import User
from scheduling.models import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRights:
    """A user's rights in one session.

    The rights do not depend on the state of the session: `may_mark` can be true for a finalized session.
    """

    sees_roster: bool
    may_mark: bool
    may_finalize: bool
    may_amend: bool
    may_change: bool


def session_rights(session: Session, user: User) -> SessionRights:
    """Return the user's rights in the session. This takes a single query. The policies are in `SessionQuerySet`."""
    sessions = Session.objects
    policies = {
        "sees_roster": sessions.with_roster_of(user),
        "may_mark": sessions.markable_by(user),
        "may_finalize": sessions.finalizable_by(user),
        "may_amend": sessions.amendable_by(user),
        "may_change": sessions.changeable_by(user),
    }
    granted = {name: Exists(allowed.filter(pk=OuterRef("pk"))) for name, allowed in policies.items()}
    found: Mapping[str, object] = sessions.filter(pk=session.pk).values(**granted).get()
    return SessionRights(**{name: bool(found[name]) for name in policies})
