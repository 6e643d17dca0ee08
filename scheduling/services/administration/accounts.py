"""Who can sign in at the sites that a user administers: staff, patients, and people with a shared schedule."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet

from accounts.models import Invitation, RoleAssignment, User
from accounts.permissions import Permission
from accounts.services.second_factor import FACTORS
from accounts.services.sign_ins import end_all_sign_ins
from patients.domain.person_search import fold
from patients.models import Delegate, Patient
from scheduling.services.administration.staff import NotYourSite, manages_all_of
from timekeeping.reasons import Refused


class AccountKind(StrEnum):
    """Whose account it is."""

    STAFF = "staff"
    PATIENT = "patient"
    DELEGATE = "delegate"


class AccountState(StrEnum):
    """Whether somebody can sign in now."""

    ON = "on"
    INVITED = "invited"
    """There is an invitation. It may have expired."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can sign in, could, or is invited to.

    `user` is None for a patient who has not used the invitation yet. `name` is blank unless the user who asks may know
    who it is: staff, and the patients whom the user may see with the people who see their schedules. `about` is the
    patient to whom the account belongs, also if the name is blank.
    """

    user: User | None
    name: str
    kinds: frozenset[AccountKind]
    roles: Sequence[RoleAssignment] = ()
    about: Patient | None = None
    link: Invitation | None = None
    is_expired: bool = False
    has_passkey: bool = False
    has_app: bool = False

    @property
    def can_sign_in(self) -> bool:
        """Whether the account is on and has a password."""
        return self.user is not None and self.user.is_active and self.user.has_usable_password()

    @property
    def state(self) -> AccountState:
        """Whether the person can sign in, is invited, or neither."""
        if self.can_sign_in:
            return AccountState.ON
        return AccountState.INVITED if self.link else AccountState.OFF

    @property
    def has_second_factor(self) -> bool:
        """Whether a passkey or an app is set up."""
        return self.has_passkey or self.has_app

    @property
    def patient(self) -> Patient | None:
        """The patient to whom the account belongs, if the user who asks may know who it is."""
        return self.about if self.name else None


@dataclass(frozen=True, slots=True)
class _Owner:
    """A reason why an account is listed: somebody has a role, is a patient, or sees a patient's schedule."""

    kind: AccountKind
    user: User | None
    name: str
    patient: Patient | None = None


def accounts_seen_by(by: User, now: datetime) -> list[Account]:
    """Return the accounts at the sites that the user administers, by name. Those without a name come last.

    What the user may not know is left out: that a staff member is also a patient, for example. The number of queries is
    always the same.
    """
    by_person: dict[object, list[_Owner]] = defaultdict(list)
    for owner in [*_staff(by), *_patients(by), *_delegates(by)]:
        by_person[owner.user.pk if owner.user else owner.patient].append(owner)
    links = _PendingLinks()
    factors: dict[int, set[str]] = defaultdict(set)
    for user_id, factor in Authenticator.objects.filter(type__in=FACTORS).values_list("user_id", "type"):
        factors[user_id].add(factor)
    accounts = [
        _account([each for each in owners if each.name] or owners[:1], links, factors, now)
        for owners in by_person.values()
    ]
    return sorted(accounts, key=lambda each: (not each.name, fold(each.name), each.user.pk if each.user else 0))


def search_accounts(accounts: Iterable[Account], words: str) -> list[Account]:
    """Return the accounts whose name and e-mail address contain all the words. Accounts without a name are never found."""
    wanted = fold(words).split()
    if not wanted:
        return list(accounts)
    return [
        each
        for each in accounts
        if each.name and all(word in fold(f"{each.name} {each.user.email if each.user else ''}") for word in wanted)
    ]


@transaction.atomic
def end_sign_ins_of(*, account: Account, by: User, now: datetime) -> int:
    """Sign somebody out everywhere, and return how many sign-ins there were.

    Raises Refused if the person works at a site that `by` does not administer.
    """
    assert account.user is not None
    if not manages_all_of(by, account.user):
        raise Refused([NotYourSite()])
    return end_all_sign_ins(account.user, about=account.about or account.user, by=by, now=now)


class _PendingLinks:
    """All invitations that were neither used nor withdrawn, grouped by the invited person."""

    def __init__(self) -> None:
        links = list(Invitation.objects.pending())
        self.of_users = {link.user_id: link for link in links if link.user_id}
        self.of_patients = {link.patient_id: link for link in links if link.patient_id}

    def find(self, user: User | None, patient: Patient | None) -> Invitation | None:
        of_user = self.of_users.get(user.pk) if user else None
        return of_user or (self.of_patients.get(patient.pk) if patient else None)


def _account(owners: Sequence[_Owner], links: _PendingLinks, factors: Mapping[int, set[str]], now: datetime) -> Account:
    """Return the account of one person, for all the reasons why it is listed."""
    first, patient = owners[0], next((owner.patient for owner in owners if owner.patient), None)
    user, link = first.user, links.find(first.user, patient)
    own_factors = factors.get(user.pk, set()) if user else set()
    return Account(
        user=user,
        name=first.name,
        kinds=frozenset(owner.kind for owner in owners),
        roles=list(user.role_assignments.all()) if user and first.kind is AccountKind.STAFF else (),
        about=patient,
        link=link,
        is_expired=link is not None and link.is_expired(now),
        has_passkey=Authenticator.Type.WEBAUTHN in own_factors,
        has_app=Authenticator.Type.TOTP in own_factors,
    )


def _staff(by: User) -> Iterable[_Owner]:
    assignments = RoleAssignment.objects.select_related("site").order_by("site__name", "role")
    here = RoleAssignment.objects.filter(by.may_at(Permission.MANAGE_SITE))
    users = User.objects.filter(role_assignments__in=here).distinct()
    for user in users.prefetch_related(Prefetch("role_assignments", assignments)):
        yield _Owner(AccountKind.STAFF, user, user.name or user.email)


def _patients(by: User) -> Iterable[_Owner]:
    visible = _visible_ids(by)
    have_access = Q(user__isnull=False) | Q(invitations__in=Invitation.objects.pending())
    for patient in _patients_here(by).filter(have_access).select_related("user", "site").distinct():
        name = str(patient) if patient.pk in visible else ""
        yield _Owner(AccountKind.PATIENT, patient.user, name, patient)


def _delegates(by: User) -> Iterable[_Owner]:
    visible = Delegate.objects.visible_to(by).values("pk")
    here = Delegate.objects.open().filter(patient__in=_patients_here(by).values("pk"))
    named = set(here.filter(pk__in=visible).values_list("pk", flat=True))
    for delegate in here.select_related("user").order_by("pk"):
        name = str(delegate.user) if delegate.pk in named else ""
        yield _Owner(AccountKind.DELEGATE, delegate.user, name)


def _visible_ids(by: User) -> set[int]:
    return set(
        _patients_here(by).filter(pk__in=Patient.objects.visible_to(by).values("pk")).values_list("pk", flat=True)
    )


def _patients_here(by: User) -> QuerySet[Patient]:
    return Patient.objects.filter(by.may_at(Permission.MANAGE_SITE))
