"""Cards that show how well each track fits a patient's need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from patients.models import Episode
from scheduling.domain.hours.rules import HIGHER_BAND_MINUTES, WeeklyMeeting
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import AlreadyEnrolled, Fit, MeetingFull, WrongLevel, find_fits
from scheduling.domain.search.nearest_obstacle import TRACK_REASONS, BlockedGroups, nearest_obstacle
from scheduling.domain.search.need import Need, Offer
from scheduling.forms.enrollment.enroll import StartDateForm
from scheduling.models import Enrollment, WaitingEntry
from scheduling.services.search.need import need_from_admission
from scheduling.services.search.offers import offers_for_patient
from scheduling.views.refusals import show_refusal
from scheduling.views.week_pictures import picture_of_choice
from scheduling.week_picture import WeekPicture
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True)
class TrackCard:
    """How a track fits a need: the reasons against each meeting, all other reasons, and a picture of the week."""

    fit: Fit
    need: Need
    meeting_reasons: Sequence[tuple[WeeklyMeeting, Sequence[Reason]]]
    other_reasons: Sequence[Reason]

    @cached_property
    def picture(self) -> WeekPicture:
        return picture_of_choice(choice=self.fit.choice, need=self.need, from_day=self.fit.starts)

    @property
    def nearest(self) -> BlockedGroups | Reason | None:
        """The one obstacle that is shown while all other obstacles are folded away."""
        return nearest_obstacle(self.fit)

    @property
    def missing_minutes(self) -> int:
        """Weekly minutes below the prescription, or 0 if the nearest obstacle is about the whole track."""
        return 0 if isinstance(self.nearest, TRACK_REASONS) else self.fit.missing_minutes

    @property
    def fits_in_part(self) -> bool:
        return self.fit.fits and self.fit.whole is None

    @property
    def is_current(self) -> bool:
        """Whether the patient is already enrolled in the track."""
        return any(isinstance(reason, AlreadyEnrolled) for reason in self.other_reasons)

    @property
    def is_for_another_level(self) -> bool:
        return any(isinstance(reason, WrongLevel) for reason in self.other_reasons)

    @property
    def is_higher_band(self) -> bool:
        return self.fit.minutes >= HIGHER_BAND_MINUTES


def group_by_meeting(reasons: Iterable[Reason]) -> list[tuple[WeeklyMeeting, list[Reason]]]:
    """Return each meeting with the reasons against it, in the order of the week. Other reasons are left out."""
    found: dict[WeeklyMeeting, list[Reason]] = {}
    for reason in reasons:
        if isinstance(reason, CommitmentConflict | MeetingFull):
            found.setdefault(reason.meeting, []).append(reason)
    return sorted(found.items(), key=lambda each: (each[0].weekday, each[0].starts, str(each[0].key)))


def track_cards(offers: Iterable[Offer], need: Need) -> list[TrackCard]:
    """Return a card for each track, the best fit first."""
    return [
        TrackCard(
            fit,
            need,
            group_by_meeting(fit.obstacles),
            [reason for reason in fit.obstacles if not isinstance(reason, CommitmentConflict | MeetingFull)],
        )
        for fit in find_fits(offers, need)
    ]


def unfit_tracks(cards: Iterable[TrackCard]) -> dict[str, object]:
    """Return the tracks that don't fit, for the template. Tracks for another level of care are in a list of their own."""
    unfit = [card for card in cards if not card.fit.fits]
    return {
        "others": [card for card in unfit if not card.is_for_another_level],
        "other_levels": [card for card in unfit if card.is_for_another_level],
    }


def waitlist_entries(episode: Episode) -> dict[int, WaitingEntry]:
    """Map track ids to the patient's open waitlist entries."""
    return {entry.track_id: entry for entry in WaitingEntry.objects.open().filter(episode=episode)}


def need_from_form(form: StartDateForm, episode: Episode, leaving: Enrollment | None = None) -> Need | None:
    """Return the patient's need from the form's day on.

    If the day is invalid, add an error to the form and return None. The enrollment `leaving` is treated as ended.
    """
    if not form.is_valid():
        return None
    from_day = form.cleaned_data["from"]
    try:
        return need_from_admission(episode=episode, from_day=from_day, apart_from=leaving)
    except Refused as refused:
        show_refusal(form, refused)
        return None


def other_tracks_context(
    form: StartDateForm, episode: Episode, leaving: Enrollment, now: datetime
) -> dict[str, object]:
    """List the tracks that the patient could move to from the form's day on."""
    need = need_from_form(form, episode, leaving)
    if need is None:
        return {}
    offers = offers_for_patient(episode=episode, from_day=need.from_day, now=now, leaves=leaving)
    cards = track_cards((offer for offer in offers if offer.key != leaving.track_id), need)
    return {
        "from_day": need.from_day,
        "need": need,
        "fitting": [card for card in cards if card.fit.fits],
    } | unfit_tracks(cards)
