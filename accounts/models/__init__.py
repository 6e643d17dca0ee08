from accounts.models.audit_event import Action, AuditEvent, AuditEventQuerySet
from accounts.models.browser_session import BrowserSession
from accounts.models.invitation import Invitation
from accounts.models.job_run import JobOutcome, JobRun, JobRunQuerySet
from accounts.models.outgoing_mail import OutboxState, OutgoingMail, OutgoingMailQuerySet
from accounts.models.user import RoleAssignment, User, UserManager, UserQuerySet

__all__ = [
    "Action",
    "AuditEvent",
    "AuditEventQuerySet",
    "BrowserSession",
    "Invitation",
    "JobOutcome",
    "JobRun",
    "JobRunQuerySet",
    "OutboxState",
    "OutgoingMail",
    "OutgoingMailQuerySet",
    "RoleAssignment",
    "User",
    "UserManager",
    "UserQuerySet",
]
