"""Read the query of a schedule search, run the search, and build the context of its page."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.http import HttpRequest

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in
from iopmanager.form_fields import parse_number
from patients.access import current_or_next_episode, patient_seen_by
from patients.models import Episode, Patient
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MAX_SCHEDULES, find_schedules
from scheduling.domain.search.score import WEIGHTS
from scheduling.domain.suggestions.changes import MorePlaces
from scheduling.domain.suggestions.scenario import Scenario
from scheduling.domain.suggestions.suggestions import Suggestion, find_suggestions
from scheduling.forms.enrollment.enroll import StartDateForm
from scheduling.forms.search.suggestion_form import encode_changes
from scheduling.forms.search.what_if import FormData, ScenarioForm
from scheduling.services.search.offers import offers_for_patient
from scheduling.views.search.other_sites import search_other_sites
from scheduling.views.search.schedule_cards import ScheduleCard, group_by_track, schedule_cards
from scheduling.views.search.track_cards import need_from_form, track_cards, unfit_tracks, waitlist_entries
from timekeeping.reasons import Key

SHOWN_FIRST, SHOWN_MORE = 4, 6
"""How many tracks are shown at first, and how many more are added on request."""


@dataclass(frozen=True)
class ScheduleSearchRequest:
    """The patient who needs a schedule, and the user who searches for one."""

    patient: Patient
    episode: Episode | None
    now: datetime
    user: User

    @property
    def may_manage(self) -> bool:
        return self.user.may(Permission.MANAGE_PATIENTS, self.patient.site_id)

    @property
    def earliest(self) -> date:
        """Default first day of a search: today, or the start of the episode if that is later."""
        today = self.patient.site.today_at(self.now)
        return self.episode.earliest_from(today) if self.episode else today


@dataclass(frozen=True)
class ScheduleSearchQuery:
    """The first day and the what-if scenario of a search.

    `need` doesn't include the scenario. `need` is None if the first day is invalid. If `is_wrong`, the scenario is
    invalid and no search is run.
    """

    form: StartDateForm
    need: Need | None = None
    scenario_form: ScenarioForm | None = None
    scenario: Scenario = field(default_factory=Scenario)
    is_wrong: bool = False

    @property
    def is_unchanged(self) -> bool:
        """Whether the first day is valid and there is no scenario."""
        return self.need is not None and not self.scenario and not self.is_wrong


@dataclass(frozen=True)
class SearchResult:
    """The schedules that a search found, best first.

    `need` and `tracks` are the input of the search, including the changes of the scenario.
    """

    cards: list[ScheduleCard]
    need: Need
    tracks: tuple[Offer, ...]


@dataclass(frozen=True)
class SuggestionCard:
    """A suggestion as shown on the page.

    `form_query` is the form data that its button submits. If the suggestion needs another spot in a track,
    `waitlist_track` is the id of that track.
    """

    suggestion: Suggestion
    form_query: str
    waitlist_track: Key | None

    @classmethod
    def of(cls, suggestion: Suggestion) -> "SuggestionCard":
        needs_place = any(isinstance(change, MorePlaces) for change in suggestion.changes)
        track = suggestion.best.offer.key if needs_place else None
        return cls(suggestion, encode_changes(suggestion.changes), track)


def open_search(request: HttpRequest, patient_id: int, now: datetime, *, detail: str) -> ScheduleSearchRequest:
    """Find the patient and their episode, and record that the user views them; `detail` goes into the audit trail.

    The user needs the permission to see commitments, because the results show the patient's commitments.
    """
    user = signed_in(request)
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_COMMITMENTS, patient.site_id))
    record(patient, by=user, action=Action.VIEWED, at=now, detail=detail)
    today = patient.site.today_at(now)
    return ScheduleSearchRequest(patient, current_or_next_episode(patient, today), now, user)


def read_query(episode: Episode, typed: FormData, *, otherwise: date, has_scenario: bool = True) -> ScheduleSearchQuery:
    """Read the first day and, if `has_scenario`, the what-if scenario. The default first day is `otherwise`."""
    form = StartDateForm(typed if typed.get("from") else {"from": otherwise.isoformat()})
    need = need_from_form(form, episode)
    if need is None:
        return ScheduleSearchQuery(form)
    scenario_form = ScenarioForm(typed if has_scenario else None, need=need)
    if not scenario_form.is_valid():
        return ScheduleSearchQuery(form, need, scenario_form, is_wrong=True)
    return ScheduleSearchQuery(form, need, scenario_form, scenario_form.scenario())


def run_search(
    query: ScheduleSearchQuery, episode: Episode, now: datetime, chosen: Collection[str] = ()
) -> SearchResult | None:
    """Find schedules under the scenario, or return None if the query is invalid.

    `chosen` has the keys of the schedules that the user chose to compare.
    """
    if query.need is None or query.is_wrong:
        return None
    need = query.scenario.applied_to(query.need)
    offers = offers_for_patient(episode=episode, from_day=query.need.from_day, now=now)
    tracks = query.scenario.offered(offers, need)
    real_need = query.need if query.scenario else None
    cards = schedule_cards(find_schedules(tracks, need), offers, need=real_need, chosen=chosen)
    return SearchResult(cards, need, tracks)


def search_context(
    search: ScheduleSearchRequest, query: ScheduleSearchQuery | None, typed: FormData
) -> dict[str, object]:
    """Run the search and build the context of its page."""
    context: dict[str, object] = {
        "patient": search.patient,
        "episode": search.episode,
        "may_manage": search.may_manage,
    }
    if search.episode is None or query is None:
        return context
    context |= {"query": query, "form": query.form, "need": query.need, "waits_for": waitlist_entries(search.episode)}
    found = run_search(query, search.episode, search.now, typed.getlist("compare"))
    if found is None:
        return context
    if query.is_unchanged and search.may_manage:
        context["other_sites"] = search_other_sites(search.episode, found.need.from_day, search.user, search.now)
    offered = {each.meeting.key: each.meeting for offer in found.tracks for each in offer.meetings}
    context["with_places"] = [meeting for key, meeting in offered.items() if key in query.scenario.places_in]
    return context | _result_context(found, _card_limit(typed))


def _result_context(found: SearchResult, number: int) -> dict[str, object]:
    tracks = [card for card in track_cards(found.tracks, found.need) if not card.is_current]
    choices = group_by_track(found.cards, tracks)
    listed = {choice.card.schedule.offer.key for choice in choices if not choice.card.schedule.is_mixed}
    suggestions = () if choices else find_suggestions(found.tracks, found.need)
    return {
        "need_then": found.need,
        "number": len(found.cards),
        "is_best_of_more": len(found.cards) == MAX_SCHEDULES,
        "choices": choices[:number],
        "is_only_track": len(choices) == 1,
        "more": choices[number:],
        "newest": number - SHOWN_MORE if number > SHOWN_FIRST else None,
        "next_number": number + SHOWN_MORE,
        "tracks": found.tracks,
        "weights": WEIGHTS,
        "suggestions": [SuggestionCard.of(each) for each in suggestions],
        "partly": [card for card in tracks if card.fits_in_part and card.fit.offer.key not in listed],
    } | unfit_tracks(tracks)


def _card_limit(typed: Mapping[str, str]) -> int:
    """Read the number of tracks to show. The default is SHOWN_FIRST and the maximum is MAX_SCHEDULES."""
    return min(max(parse_number(typed.get("shown", "")) or 0, SHOWN_FIRST), MAX_SCHEDULES)
