"""Save a change from a what-if scenario to the patient's commitments."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from patients.models import Commitment
from patients.models.commitment import weekday_mask
from patients.services.availability.commitments import CommitmentValues, add_commitment, change_commitment
from scheduling.models import Site
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import Recurrence


@transaction.atomic
def save_change(
    *, commitment: Commitment, parts: Sequence[BusyTime], site: Site, by: User, now: datetime
) -> Sequence[Commitment]:
    """Save how a scenario changes a commitment, and return the saved commitments.

    `parts` are the busy times that replace the commitment. The commitment gets the values of the first part. Each other
    part becomes a new commitment. If the only part is the same as the commitment, nothing is saved.

    The travel times of a part are between `site` and the commitment. If the scenario changed the travel times, they are
    saved with the commitment, and no longer taken from its place. Raises Refused as `change_commitment` does.
    """
    if [commitment.as_busy_time(site=site)] == list(parts):
        return [commitment]
    first, *more = (_as_values(commitment, part, site) for part in parts)
    changed = change_commitment(commitment=commitment, values=first, by=by, now=now)
    added = [add_commitment(patient=commitment.patient, values=each, by=by, now=now) for each in more]
    return [changed, *added]


def _as_values(commitment: Commitment, busy: BusyTime, site: Site) -> CommitmentValues:
    travel = (busy.travel_before, busy.travel_after)
    has_own_travel = travel != commitment.travel(site)
    weekdays = commitment.weekdays
    if isinstance(busy.recurrence, Recurrence):
        weekdays = weekday_mask(busy.recurrence.weekdays)
    return CommitmentValues(
        kind=commitment.kind,
        label=commitment.label,
        starts=busy.starts,
        ends=busy.ends,
        weekdays=weekdays,
        anchor=commitment.anchor,
        cycle_days=commitment.cycle_days,
        cycle_mask=commitment.cycle_mask,
        on=commitment.on,
        until=commitment.until,
        movable_minutes=busy.movable_minutes,
        place_id=None if has_own_travel else commitment.place_id,
        travel_before_minutes=busy.travel_before if has_own_travel else commitment.travel_before_minutes,
        travel_after_minutes=busy.travel_after if has_own_travel else commitment.travel_after_minutes,
        valid_from=commitment.valid_from,
        valid_until=commitment.valid_until,
    )
