"""The security log in admin: read, searched, never edited."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from backoffice.models import SecurityEvent
from backoffice.people import moment, people_within
from courses.readonly import ReadOnlyAdmin
from courses.scope import otec_ids
from courses.search import PlainSearchAdmin


@admin.register(SecurityEvent)
class SecurityEventAdmin(PlainSearchAdmin, ReadOnlyAdmin):
    """Who is limited to some OTECs sees what concerns themselves and the people they see."""

    list_display = ["when", "kind", "who", "whom", "client", "detail"]
    list_display_links = None
    list_filter = ["kind"]
    list_select_related = ["by", "about"]
    date_hierarchy = "at"
    search_fields = ["by__username", "about__username", "client"]
    search_help_text = "Usuario, o dirección de red desde la que se hizo."
    fields = ["when", "kind", "who", "whom", "client", "detail"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecurityEvent]:
        events = super().get_queryset(request)
        if otec_ids(request.user) is None:
            return events
        seen = people_within(get_user_model().objects.all(), request.user).values("pk")
        return events.filter(
            Q(by=request.user) | Q(about=request.user) | Q(by__in=seen) | Q(about__in=seen)
        )

    @admin.display(description="cuándo", ordering="at")
    def when(self, event: SecurityEvent) -> str:
        return moment(event.at)

    @admin.display(description="quién", ordering="by__username")
    def who(self, event: SecurityEvent) -> str:
        return _name(event.by)

    @admin.display(description="sobre quién", ordering="about__username")
    def whom(self, event: SecurityEvent) -> str:
        return _name(event.about)


def _name(person: Any) -> str:
    return person.get_full_name() or person.get_username() if person else "-"
