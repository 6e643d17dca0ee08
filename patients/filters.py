"""Filters for the list of a site's patients."""

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.dates import MONTHS, MONTHS_3, MONTHS_AP
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from patients.domain.person_search import fold, read_terms
from patients.models import Episode, LevelOfCare, LevelOfCareSpan, Patient
from patients.models.patient import PatientQuerySet

CURRENT, WAITING, DISCHARGED, ALL = "current", "waiting", "discharged", "all"
CARE_STATES = [
    (CURRENT, _("In care")),
    (WAITING, _("Not admitted yet")),
    (DISCHARGED, _("Discharged")),
    (ALL, _("Everyone")),
]


def _month_numbers() -> dict[str, int]:
    """Map the names of months to their numbers.

    The names are full and abbreviated, in English and in the active language. Each is simplified by `fold`.
    """
    numbers: dict[str, int] = {}
    for language in {"en", get_language() or "en"}:
        with override(language):
            for number in range(1, 13):
                names = {str(MONTHS[number]), str(MONTHS_3[number]), str(MONTHS_AP[number]).rstrip(".")}
                numbers |= {fold(name): number for name in names}
    return numbers


class PatientFilter(django_filters.FilterSet):
    """Filter patients by typed text, state of care, track and level of care, as of the date `today`.

    By default, the list shows the patients in care. If the user types text but chooses no state of care, all patients
    are searched.
    """

    q = django_filters.CharFilter(
        method="by_words",
        label=_("Name, code, phone, birth date or email"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    care = django_filters.ChoiceFilter(method="by_care", label=_("Care"), choices=CARE_STATES, empty_label=None)
    track = django_filters.ChoiceFilter(method="by_track", label=_("Track"), empty_label=_("Any track"))
    level = django_filters.ChoiceFilter(
        method="by_level", label=_("Level"), choices=LevelOfCare.choices, empty_label=_("Any level")
    )

    class Meta:
        model = Patient
        fields: list[str] = []

    def __init__(self, data: Any, *args: Any, today: date, tracks: list[tuple[int, str]], **kwargs: Any) -> None:
        self.today = today
        chosen = data.copy()
        if not chosen.get("care"):
            chosen["care"] = ALL if chosen.get("q", "").strip() else CURRENT
        super().__init__(chosen, *args, **kwargs)
        self.filters["track"].extra["choices"] = tracks

    @property
    def is_narrowed(self) -> bool:
        """Whether the user chose anything other than the default filter."""
        return any(self.data.get(name) for name in ("q", "track", "level")) or self.data["care"] != CURRENT

    def by_words(self, patients: PatientQuerySet, name: str, words: str) -> PatientQuerySet:
        terms = read_terms(words, _month_numbers())
        return patients.matching(terms) if terms else patients.none()

    def by_care(self, patients: PatientQuerySet, name: str, care: str) -> PatientQuerySet:
        episodes = Episode.objects.filter(patient=OuterRef("pk"))
        in_care = Exists(episodes.open_on_or_after(self.today))
        if care == CURRENT:
            return patients.filter(in_care)
        if care == DISCHARGED:
            return patients.filter(~in_care, Exists(episodes))
        if care == WAITING:
            return patients.filter(~Exists(episodes))
        return patients

    def by_track(self, patients: PatientQuerySet, name: str, track: str) -> PatientQuerySet:
        enrolled = Episode.objects.filter(
            Q(enrollments__ends=None) | Q(enrollments__ends__gt=self.today),
            patient=OuterRef("pk"),
            enrollments__track=int(track),
        )
        return patients.filter(Exists(enrolled))

    def by_level(self, patients: PatientQuerySet, name: str, level: str) -> PatientQuerySet:
        in_force = LevelOfCareSpan.objects.filter(
            Q(ends=None) | Q(ends__gt=self.today),
            episode__patient=OuterRef("pk"),
            level=level,
            starts__lte=self.today,
        )
        return patients.filter(Exists(in_force))
