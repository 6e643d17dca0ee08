"""Forms for a patient's record. They turn typed text into values, and a typed last day into an exclusive end date.

Each form's `reason_fields` maps the code of a service's reason to the field beside which the reason is shown.
"""
