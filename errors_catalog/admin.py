"""Where staff edit what students read."""

from collections.abc import Callable

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from errors_catalog import defaults, models
from errors_catalog.placeholders import COMMON, OF_ERRORS, listed, names_in

validate_phone = RegexValidator(r"^\+?[\d() -]{6,30}$")


def check_placeholders(text: str, allowed: frozenset[str] | set[str]) -> str:
    """Return the text, or raise ValidationError for a placeholder that nothing fills."""
    unknown = names_in(text) - allowed
    if unknown:
        raise ValidationError(
            f"Este texto no puede usar {listed(unknown)}. Puede usar {listed(allowed)}."
        )
    return text


def check_lines(value: str, validate: Callable[[str], None], what: str) -> str:
    """Return the value without blank lines, or raise ValidationError for the lines that are not
    `what`."""
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    problems = []
    for line in lines:
        try:
            validate(line)
        except ValidationError:
            problems.append(f"«{line}» no es {what}. Escriba uno por línea.")
    if problems:
        raise ValidationError(problems)
    return "\n".join(lines)


class SenceErrorForm(forms.ModelForm):
    def clean_description(self) -> str:
        return check_placeholders(self.cleaned_data["description"], OF_ERRORS)

    def clean_solution(self) -> str:
        return check_placeholders(self.cleaned_data["solution"], OF_ERRORS)


class HelpTextForm(forms.ModelForm):
    def clean_text(self) -> str:
        return check_placeholders(self.cleaned_data["text"], allowed_in(self.instance))


class ContactDetailsForm(forms.ModelForm):
    def clean_phones(self) -> str:
        return check_lines(self.cleaned_data["phones"], validate_phone, "un teléfono")

    def clean_alert_emails(self) -> str:
        return check_lines(self.cleaned_data["alert_emails"], validate_email, "un correo")


def allowed_in(row: models.HelpText) -> set[str]:
    """Return the placeholders that the screen of this text fills."""
    named = defaults.TEXTS.get(row.key)
    return named.placeholders if named else set(COMMON)


@admin.register(models.SenceError)
class SenceErrorAdmin(admin.ModelAdmin):
    form = SenceErrorForm
    list_display = ["code", "description", "solution", "responsible", "alerts_staff"]
    list_filter = ["responsible", "alerts_staff"]
    search_fields = ["code", "description", "solution"]
    fieldsets = [
        (
            None,
            {
                "fields": ["code", "description", "solution", "responsible", "alerts_staff"],
                "description": f"Los textos pueden usar {listed(OF_ERRORS)}.",
            },
        )
    ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.SenceError | None = None
    ) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(
        self, request: HttpRequest, obj: models.SenceError | None = None
    ) -> bool:
        # SENCE may send any of the codes that we ship: students would read our text all the same.
        if obj and obj.code in defaults.ERRORS:
            return False
        return super().has_delete_permission(request, obj)


class HelpLinkInline(admin.TabularInline):
    model = models.HelpLink
    extra = 0


@admin.register(models.HelpSection)
class HelpSectionAdmin(admin.ModelAdmin):
    inlines = [HelpLinkInline]
    list_display = ["title", "key", "position", "before_rut", "after_rut", "link_count"]
    list_filter = ["before_rut", "after_rut"]
    search_fields = ["title", "key", "links__label", "links__url"]
    prepopulated_fields = {"key": ["title"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.HelpSection]:
        return super().get_queryset(request).annotate(link_count=Count("links"))

    @admin.display(description="enlaces")
    def link_count(self, section: models.HelpSection) -> int:
        return section.link_count  # type: ignore[attr-defined]

    # The key is how a later version knows that a section of ours is already here.
    def get_readonly_fields(
        self, request: HttpRequest, obj: models.HelpSection | None = None
    ) -> list[str]:
        return ["key"] if obj else []

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: models.HelpSection | None = None
    ) -> dict:
        return {} if obj else super().get_prepopulated_fields(request, obj)


@admin.register(models.HelpText)
class HelpTextAdmin(admin.ModelAdmin):
    form = HelpTextForm
    list_display = ["where", "text", "key"]
    search_fields = ["key", "where", "text"]
    ordering = ["where"]
    fields = ["where", "key", "text", "placeholders"]
    readonly_fields = ["where", "key", "placeholders"]

    @admin.display(description="puede usar")
    def placeholders(self, row: models.HelpText) -> str:
        return listed(allowed_in(row))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.HelpText | None = None
    ) -> bool:
        return False


@admin.register(models.ContactDetails)
class ContactDetailsAdmin(admin.ModelAdmin):
    form = ContactDetailsForm
    list_display = ["email", "phones", "alert_emails"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.ContactDetails | None = None
    ) -> bool:
        return False
