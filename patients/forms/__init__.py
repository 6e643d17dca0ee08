"""Read text into typed values for the patient's record. A last day becomes the half-open end date here.

Each form's `reason_fields` maps the code of a service's reason to the field beside which it is shown.
"""
