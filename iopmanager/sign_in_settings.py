"""Settings of sign-in, which are the same in all deployments. `iopmanager.settings` takes them all."""

# Users sign in with their e-mail address and a password. Staff also need a second factor.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapter.ClosedSignupAdapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_FORMS = {
    "reset_password": "accounts.forms.PasswordResetForm",
    "change_password": "accounts.password_forms.ChangePasswordForm",
    "reset_password_from_key": "accounts.password_forms.ResetPasswordKeyForm",
}
ACCOUNT_SESSION_REMEMBER = False
# Limit guesses at the set-up code: 5 in 5 minutes from one address, and 30 an hour from all addresses together. Limit
# wrong invitation links: 20 in 5 minutes from one address. Limit how often one invitation's form can be sent: 20 times
# a day, because the response tells whether an e-mail address has an account. Limit wrong passwords of one person: 5 in
# 5 minutes from all unknown devices together, and as many from each device on which this person has signed in before.
# Limit how often unknown devices can send the sign-in form: 30 times a minute from one address. This limit, `sign_in`,
# replaces `login`, which would also count known devices. Wrong codes of a second factor are counted like wrong passwords,
# for each person. For everything else, django-allauth's default limits apply.
ACCOUNT_RATE_LIMITS = {
    "set_up": "5/5m/ip,30/h/key",
    "join": "20/5m/ip",
    "join_form": "20/d/key",
    "login": None,
    "sign_in": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_on_known_device": "5/5m/key",
    "reauthenticate": "5/5m/user",
}
# Making one of django-allauth's own tokens takes queries that differ between known and unknown addresses. Django's
# tokens take no query, so the time to make them doesn't reveal which addresses are known.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
# Mail must not name the clinic. An address that belongs to no account gets no mail.
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False

# The second factor: a passkey, a code from an authenticator app, or a recovery code. A passkey also lets people in without
# a password, because their device asks for a finger, a face or a PIN. An app's code may be one step (30 seconds) early or
# late, because the clocks of phones differ.
MFA_ADAPTER = "accounts.mfa_adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "authenticate": "accounts.second_factor_forms.SignInCodeForm",
    "reauthenticate": "accounts.second_factor_forms.ConfirmCodeForm",
    "activate_totp": "accounts.second_factor_forms.AppCodeForm",
    "add_webauthn": "accounts.second_factor_forms.AddPasskeyForm",
    "edit_webauthn": "accounts.second_factor_forms.RenamePasskeyForm",
    "authenticate_webauthn": "accounts.second_factor_forms.SecondStepPasskeyForm",
    "login_webauthn": "accounts.second_factor_forms.SignInPasskeyForm",
    "reauthenticate_webauthn": "accounts.second_factor_forms.ConfirmPasskeyForm",
}
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# There is no unverified address: the clinic enters the addresses, and invitations prove them.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Seconds after which users must confirm who they are again before a sensitive act.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
