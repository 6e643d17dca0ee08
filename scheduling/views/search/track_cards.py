"""How tracks stand to a patient's need, as pages show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from patients.models import Episode, Patient
from scheduling.domain.hours.rules import HIGHER_BAND_MINUTES, WeeklyMeeting
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import Fit, MeetingFull, find_fits
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
    """How a track stands to a need: what stands against it, by meeting, and its week if it fits."""

    fit: Fit
    need: Need
    against: Sequence[tuple[WeeklyMeeting, Sequence[Reason]]]
    besides: Sequence[Reason]

    @cached_property
    def picture(self) -> WeekPicture:
        return picture_of_choice(choice=self.fit.choice, busy=self.need.busy, from_day=self.fit.starts)

    @property
    def is_higher_band(self) -> bool:
        return self.fit.minutes >= HIGHER_BAND_MINUTES


def episode_to_schedule(patient: Patient, today: date) -> Episode | None:
    """The course of care that lasts today or is to begin."""
    episodes = patient.episodes.open_on_or_after(today)
    return episodes.select_related("site", "patient").prefetch_related("spans").first()


def group_by_meeting(reasons: Iterable[Reason]) -> list[tuple[WeeklyMeeting, list[Reason]]]:
    """What stands against single meetings, in the order of the week."""
    found: dict[WeeklyMeeting, list[Reason]] = {}
    for reason in reasons:
        if isinstance(reason, CommitmentConflict | MeetingFull):
            found.setdefault(reason.meeting, []).append(reason)
    return sorted(found.items(), key=lambda each: (each[0].weekday, each[0].starts, str(each[0].key)))


def track_cards(offers: Iterable[Offer], need: Need) -> list[TrackCard]:
    """How each track stands to the need, the best fit first."""
    return [
        TrackCard(
            fit,
            need,
            group_by_meeting(fit.obstacles),
            [reason for reason in fit.obstacles if not isinstance(reason, CommitmentConflict | MeetingFull)],
        )
        for fit in find_fits(offers, need)
    ]


def waitlist_entries(episode: Episode) -> dict[int, WaitingEntry]:
    """Under each track the patient's open entry of its waiting list."""
    return {entry.track_id: entry for entry in WaitingEntry.objects.open().filter(episode=episode)}


def need_from_form(form: StartDateForm, episode: Episode, leaves: Enrollment | None = None) -> Need | None:
    """What the patient brings from the day that the form asks for; None when there is something wrong with the day, which then
    stands beside it. The place in the track that the patient `leaves` is taken for over.
    """
    if not form.is_valid():
        return None
    from_day = form.cleaned_data["from"]
    try:
        return need_from_admission(episode=episode, from_day=from_day, apart_from=leaves)
    except Refused as refused:
        show_refusal(form, refused)
        return None


def other_tracks_context(form: StartDateForm, episode: Episode, leaves: Enrollment) -> dict[str, object]:
    """The tracks to which the patient could go from the day that the form asks for."""
    need = need_from_form(form, episode, leaves)
    if need is None:
        return {}
    offers = offers_for_patient(episode=episode, from_day=need.from_day, leaves=leaves)
    cards = track_cards((offer for offer in offers if offer.key != leaves.track_id), need)
    return {
        "from_day": need.from_day,
        "need": need,
        "fitting": [card for card in cards if card.fit.fits],
        "others": [card for card in cards if not card.fit.fits],
    }
