"""Form that filters the list of people who can sign in."""

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.services.administration.accounts import Account, AccountKind, AccountState, search_accounts


class SignInFilterForm(forms.Form):
    """Words, kind of person, state of the account, and second factor. A value that is not offered is ignored."""

    q = forms.CharField(label=_("Name or email"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    who = forms.ChoiceField(
        label=_("Who"),
        required=False,
        choices=[
            ("", _("Everyone")),
            (AccountKind.STAFF, _("Staff")),
            (AccountKind.PATIENT, _("Patients")),
            (AccountKind.DELEGATE, _("Family and others")),
        ],
    )
    state = forms.ChoiceField(
        label=_("Access"),
        required=False,
        choices=[
            ("", _("Any")),
            (AccountState.ON, _("Can sign in")),
            (AccountState.INVITED, _("Invited")),
            (AccountState.OFF, _("Turned off")),
        ],
    )
    factor = forms.ChoiceField(
        label=_("Two-step"),
        required=False,
        choices=[("", _("Any")), ("on", _("On")), ("off", _("Not set up"))],
    )

    def narrow(self, accounts: list[Account]) -> list[Account]:
        """Return the accounts that match all filters."""
        self.is_valid()
        chosen = self.cleaned_data
        return [
            each
            for each in search_accounts(accounts, chosen.get("q", ""))
            if chosen.get("who", "") in ("", *each.kinds)
            and chosen.get("state", "") in ("", each.state)
            and chosen.get("factor", "") in ("", "on" if each.has_second_factor else "off")
        ]

    @property
    def is_narrowed(self) -> bool:
        return any(self.cleaned_data.values())
