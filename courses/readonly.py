"""What the system wrote and nobody edits by hand."""

from typing import Any

from django.http import HttpRequest

from courses.long_lists import LongListAdmin


class ReadOnlyAdmin(LongListAdmin):
    """Evidence: looked at, never added to, changed or deleted by hand."""

    view_on_site = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
