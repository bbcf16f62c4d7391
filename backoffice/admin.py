"""What the back office shows in admin, imported here for Django to find."""

from backoffice import people, preflight_admin, security_admin
from backoffice.mails import admin as mails
from backoffice.review import admin as review

__all__ = ["mails", "people", "preflight_admin", "review", "security_admin"]
