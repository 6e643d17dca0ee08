"""The first and the last step of every correction: lock the episode of care, and record what was corrected and why."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db.models import Model

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode, Patient
from scheduling.services.locks import lock_site
from scheduling.services.reasons import NothingChanged, ReasonRequired
from timekeeping.reasons import Refused

CorrectedValue = str | int | date | None


def lock_episode(episode: Episode) -> Episode:
    """Lock the episode with its sites and its patient until the transaction ends, and return its current state.

    The episode is loaded with its present site and its patient.
    """
    for site_id in sorted({episode.site_id, *episode.former_sites.values_list("site", flat=True)}):
        lock_site(site_id)
    Patient.objects.select_for_update(no_key=True).get(pk=episode.patient_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    return episodes.select_related("site", "patient").get(pk=episode.pk)


def require_reason(reason: str) -> str:
    """Return the reason without surrounding spaces. Raises Refused if it is empty."""
    if not reason.strip():
        raise Refused([ReasonRequired()])
    return reason.strip()


def record_correction(
    subject: Model,
    *,
    before: Mapping[str, CorrectedValue],
    after: Mapping[str, CorrectedValue],
    reason: str,
    by: User,
    now: datetime,
) -> None:
    """Record the values that differ before and after the correction. Both mappings are from names to values.

    Raises Refused if no value differs.
    """
    changes = [f"{name} {_text(before[name])} → {_text(after[name])}" for name in before if before[name] != after[name]]
    if not changes:
        raise Refused([NothingChanged()])
    record(subject, by=by, action=Action.CORRECTED, at=now, detail="; ".join(changes), reason=reason)


def _text(value: CorrectedValue) -> str:
    return "none" if value in {None, ""} else str(value)
