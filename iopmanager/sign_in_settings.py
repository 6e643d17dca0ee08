"""Settings of sign-in, which are the same in all deployments. `iopmanager.settings` takes them all."""

# Users sign in with their e-mail address and a password. Staff also need a second factor. Patients and delegates can get a
# code by mail instead of the password. The pages for it are the product's own (accounts/code_views.py), because
# django-allauth keeps such a code in the session in clear, and does more work for addresses that somebody has.
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
    {"NAME": "accounts.services.password_strength.HardToGuessValidator"},
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
    "login": "accounts.password_forms.SignInForm",
    "reauthenticate": "accounts.password_forms.ConfirmPasswordForm",
    "reset_password": "accounts.forms.PasswordResetForm",
    "change_password": "accounts.password_forms.ChangePasswordForm",
    "reset_password_from_key": "accounts.password_forms.ResetPasswordKeyForm",
}
ACCOUNT_SESSION_REMEMBER = False
# - set_up: guesses at the set-up code from one address. There is no limit for all addresses together, because strangers
#   could use it up and so keep the clinic from starting. The code is too long to guess.
# - join: wrong invitation links from one address.
# - join_form: forms sent for one invitation, because the response tells whether an e-mail address has an account.
# - sign_in: sign-in forms from unknown devices at one address. Replaces `login`, which would also count known devices.
# - login_failed: wrong passwords from one address, wrong passwords of one person from all unknown devices together, and
#   wrong codes of a second factor of one person. Wrong codes from a mail count as wrong passwords.
# - login_failed_on_known_device: wrong passwords of one person on one device where the person has signed in before.
# - request_login_code: codes asked for from one address, and codes sent to one person from all unknown devices together.
# - request_login_code_on_known_device: codes sent to one person from one device where the person has signed in before.
# - reauthenticate: attempts of a signed-in user to confirm who they are.
# For everything else, django-allauth's default limits apply.
ACCOUNT_RATE_LIMITS = {
    "set_up": "5/5m/ip",
    "join": "20/5m/ip",
    "join_form": "20/d/key",
    "login": None,
    "sign_in": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_on_known_device": "5/5m/key",
    "request_login_code": "30/15m/ip,5/15m/key",
    "request_login_code_on_known_device": "5/15m/key",
    "reauthenticate": "5/5m/user",
}
# django-allauth's own tokens take other queries for known addresses than for unknown ones, so the response time could
# reveal which addresses are known. Django's tokens take no query.
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
# Addresses need no verification: the clinic enters them, or the person opened an invitation.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# After this many seconds, users must confirm who they are before a sensitive action.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
