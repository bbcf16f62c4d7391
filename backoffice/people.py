"""People: who works here, in which groups and for which OTECs, and the history of what they did.

Whoever manages people raises nobody above themselves: they see no superuser, give no group that
can do more than they can, and touch nobody who can, or who works for OTECs that are not theirs.
Superusers keep Django's own form.
"""

import json
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    UserChangeForm,
    UserCreationForm,
)
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice import second_factor
from courses.admin import unbroken
from courses.models import Otec, StaffScope
from courses.readonly import ReadOnlyAdmin
from courses.refusals import RefusableForm, RefusalsAdmin
from courses.scope import ScopedAdmin, otec_ids, within_scope
from courses.search import PlainSearchAdmin

EDITED = ["username", "first_name", "last_name", "email"]
SUPERUSERS_ONLY = ("is_superuser", "user_permissions")
USERNAME_HELP = "Con él entra: letras sin espacios, números y los signos @ . + - _"
GROUPS_HELP = (
    "Coordinador: el trabajo diario, sin tokens ni usuarios. Administrador: además los OTEC, sus "
    "tokens y los usuarios. Auditor: lo ve todo y no cambia nada."
)


def permissions_of(user: Any) -> QuerySet[Permission]:
    """Return what the user was given, alone or by group, whether or not the account is active."""
    return Permission.objects.filter(Q(user=user) | Q(group__user=user))


def groups_within(user: Any) -> QuerySet[Group]:
    """Return the groups that can do nothing that the user can't."""
    if user.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=permissions_of(user).values("pk"))
    return Group.objects.exclude(permissions__in=beyond)


def people_within(people: QuerySet[User], user: Any) -> QuerySet[User]:
    """Return the people who work for no other OTECs than the user does, superusers left out."""
    if user.is_superuser:
        return people
    ids = otec_ids(user)
    people = people.filter(is_superuser=False)
    if ids is None:
        return people
    theirs = StaffScope.otecs.through.objects.filter(staffscope__user=OuterRef("pk"))
    return people.filter(Exists(theirs), ~Exists(theirs.exclude(otec__in=ids)))


def may_edit(editor: Any, person: User) -> bool:
    """Whether the editor may change this person: who can do more could be taken over.

    Nobody changes their own account here, so that nobody locks themselves out.
    """
    if editor.is_superuser:
        return True
    if person.is_superuser or person.pk == editor.pk:
        return False
    held = permissions_of(editor).values("pk")
    return not permissions_of(person).exclude(pk__in=held).exists()


class PersonForm(RefusableForm):
    class Meta:
        model = User
        fields = [*EDITED, "is_active", "groups"]
        help_texts = {
            "username": USERNAME_HELP,
            "groups": GROUPS_HELP,
            "is_active": "Sin esta marca no puede entrar. Las cuentas se desactivan; no se "
            "eliminan: lo que hizo cada persona queda a su nombre.",
        }


class NewPersonForm(RefusableForm, UserCreationForm):
    class Meta(UserCreationForm.Meta):  # type: ignore[name-defined]
        fields = [*EDITED, "groups"]
        help_texts = {"username": USERNAME_HELP, "groups": GROUPS_HELP}


class NewPasswordForm(AdminPasswordChangeForm):
    """A new password. Who has none to log in with is deactivated instead."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)


class ScopeInline(admin.StackedInline):
    """For whom the person works. Who is limited to some OTECs has to choose among those."""

    model = StaffScope
    verbose_name = verbose_name_plural = "OTEC para los que trabaja"
    can_delete = False
    extra = 0
    min_num = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["validate_min"] = otec_ids(request.user) is not None
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and hasattr(field.widget, "can_add_related"):
            field.widget.can_add_related = False
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = within_scope(Otec.objects.all(), request.user, "pk")
        kwargs["widget"] = forms.CheckboxSelectMultiple
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        field.required = otec_ids(request.user) is not None
        if field.required:
            field.help_text = "Elija al menos uno: ve solo lo de los OTEC elegidos."
        return field


# Whoever saw a device there would have its key.
for device in (TOTPDevice, StaticDevice):
    admin.site.unregister(device)
admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(PlainSearchAdmin, RefusalsAdmin, UserAdmin):
    add_form_template = "backoffice/add_person.html"
    form = UserChangeForm  # type: ignore[assignment]
    change_password_form = NewPasswordForm
    list_display = ["username", "name", "group_names", "otec_names", "factor", "state"]
    list_display_links = ["username", "name"]
    search_help_text = "Usuario, nombres, apellidos o correo."
    inlines = [ScopeInline]
    actions = ["remove_second_factor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people = super().get_queryset(request).prefetch_related("groups", "scope__otecs")
        devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return people_within(people, request.user).annotate(has_factor=Exists(devices))

    # What each may do

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or may_edit(request.user, obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Deactivated instead: what they did stays under their name.
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        if lookup.startswith(SUPERUSERS_ONLY) and not request.user.is_superuser:
            return False
        return super().lookup_allowed(lookup, value, request)

    # The form

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not request.user.is_superuser:
            kwargs["form"] = PersonForm if obj else NewPersonForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        personal = ("Datos personales", {"fields": ["first_name", "last_name", "email"]})
        if obj is None:
            account = ["username", "password1", "password2"]
            return [(None, {"fields": account}), personal, ("Acceso", {"fields": ["groups"]})]
        return [
            (None, {"fields": ["username", "password_link"]}),
            personal,
            ("Acceso", {"fields": ["is_active", "groups"]}),
            ("Fechas importantes", {"fields": ["last_login", "date_joined"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if request.user.is_superuser or obj is None:
            return super().get_readonly_fields(request, obj)
        return ["password_link", "last_login", "date_joined"]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups" and not request.user.is_superuser:
            kwargs["queryset"] = groups_within(request.user).order_by("name")
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_list_filter(self, request: HttpRequest) -> Any:
        shown = ["is_active", "groups"]
        return [*shown, "is_staff", "is_superuser"] if request.user.is_superuser else shown

    # Saving

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not request.user.is_superuser:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        person = User.objects.filter(pk=form.instance.pk)
        if not people_within(person, request.user).exists():
            # Whatever the form held: nobody who is limited makes somebody who is not.
            raise PermissionDenied

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return super().log_addition(request, obj, told(message, obj))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return super().log_change(request, obj, told(message, obj))

    @admin.action(
        description="Quitar el segundo factor (perdió el teléfono)", permissions=["change"]
    )
    def remove_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """They set up another when they log in; their password is asked for as ever."""
        refused = [person for person in people if not may_edit(request.user, person)]
        removed = [
            person for person in people if person not in refused and second_factor.remove(person)
        ]
        for person in removed:
            self.log_change(request, person, "Segundo factor quitado.")
        if removed:
            self.message_user(
                request,
                f"Segundo factor quitado: {', '.join(map(str, removed))}. Al entrar podrán "
                "activarlo de nuevo. Compruebe que es de verdad esa persona quien lo pidió.",
            )
        if refused:
            self.message_user(
                request,
                f"No puede quitárselo a: {', '.join(map(str, refused))}. El suyo se cambia en "
                "«Segundo factor», arriba; el de quien puede más que usted, lo quita quien pueda "
                "lo mismo.",
                messages.ERROR,
            )
        if not (removed or refused):
            self.message_user(request, "Nadie de los elegidos tenía un segundo factor.")

    # What the list and the page show

    @admin.display(description="segundo factor", boolean=True)
    def factor(self, person: Any) -> bool:
        return person.has_factor

    @admin.display(description="nombre", ordering="last_name")
    def name(self, person: User) -> str:
        return person.get_full_name() or "(sin nombre)"

    @admin.display(description="grupos")
    def group_names(self, person: User) -> str:
        own = "Superusuario" if person.is_superuser else ""
        return ", ".join(filter(None, [own, *(group.name for group in person.groups.all())])) or "-"

    @admin.display(description="OTEC")
    def otec_names(self, person: User) -> str:
        otecs = otecs_of(person)
        if len(otecs) > 1:
            return f"{len(otecs)} OTEC"
        return otecs[0].name if otecs else "Todos"

    @admin.display(description="estado", ordering="is_active")
    def state(self, person: User) -> str:
        return "Activa" if person.is_active else "Desactivada"

    @admin.display(description="contraseña")
    def password_link(self, person: User) -> str:
        address = reverse("admin:auth_user_password_change", args=[person.pk])
        return format_html('<a href="{}">Poner una contraseña nueva</a>', address)


def otecs_of(person: User) -> list[Otec]:
    scope = getattr(person, "scope", None)
    return list(scope.otecs.all()) if scope else []


def moment(when: Any) -> str:
    """Return a moment by Chile's clocks, in a form that no narrow column breaks."""
    return unbroken(f"{timezone.localtime(when):%d-%m-%Y %H:%M}")


def told(message: Any, person: User) -> str:
    """Return what was changed, and where it left the person: groups, OTECs, active or not."""
    kept = message if isinstance(message, str) else json.dumps(message)
    what = LogEntry(change_message=kept).get_change_message()
    left = User.objects.get(pk=person.pk)
    groups = ", ".join(group.name for group in left.groups.all()) or "ninguno"
    otecs = ", ".join(otec.name for otec in otecs_of(left)) or "todos"
    state = "activa" if left.is_active else "desactivada"
    return f"{what} Grupos: {groups}. OTEC: {otecs}. Cuenta {state}."


@admin.register(Group)
class ReadOnlyGroupAdmin(GroupAdmin):
    """What each group may do. Migrations make them; superusers alone change them."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.view_user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if request.user.is_superuser:
            return super().get_fields(request, obj)
        return ["name", "may"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if request.user.is_superuser else ["may"]

    @admin.display(description="puede")
    def may(self, group: Group) -> str:
        names = group.permissions.select_related("content_type").order_by("content_type", "name")
        return "\n".join(in_spanish(permission.name) for permission in names) or "Nada."


def in_spanish(name: str) -> str:
    """Return a permission's name, which Django keeps in English in the database, in Spanish."""
    for english, spanish in VERBS.items():
        name = name.replace(f"Can {english} ", f"Puede {spanish} ", 1)
    return name


VERBS = {"add": "crear", "change": "modificar", "delete": "eliminar", "view": "ver"}


class ActionFlagFilter(admin.SimpleListFilter):
    title = "qué hizo"
    parameter_name = "hizo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(flag), word) for flag, word in DONE.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = {str(flag) for flag in DONE} & {self.value()}
        return queryset.filter(action_flag__in=chosen) if chosen else queryset


DONE = {ADDITION: "Creó", CHANGE: "Modificó", DELETION: "Eliminó"}


class HistoryList(ChangeList):
    """Counts changes, which Django calls "entradas de registro"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opts = copy(self.opts)
        self.opts.verbose_name, self.opts.verbose_name_plural = "cambio", "cambios"


@admin.register(LogEntry)
class HistoryAdmin(PlainSearchAdmin, ReadOnlyAdmin):
    """Who changed what, and when. Who is limited to some OTECs sees what was done to theirs."""

    list_display = ["when", "who", "done", "kind", "what", "message"]
    list_display_links = None
    list_filter = [
        ActionFlagFilter,
        ("content_type", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["user", "content_type"]
    date_hierarchy = "action_time"
    search_fields = ["object_repr", "user__username", "user__first_name", "user__last_name"]
    search_help_text = "Lo que se cambió, o quién lo hizo."
    fields = ["when", "who", "done", "kind", "what", "message"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        entries = super().get_queryset(request)
        return entries if otec_ids(request.user) is None else entries.filter(self._seen(request))

    def _seen(self, request: HttpRequest) -> Q:
        """Return the condition for what the user did, and for what was done to what they see."""
        seen = Q(user=request.user) | Q(content_type__app_label="errors_catalog")
        for model, model_admin in self.admin_site._registry.items():
            if isinstance(model_admin, ScopedAdmin | PersonAdmin):
                rows = model_admin.get_queryset(request).prefetch_related(None).order_by()
                ids = rows.annotate(text_id=Cast("pk", TextField())).values("text_id")
                kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
                seen |= Q(content_type=kind, object_id__in=ids)
        return seen

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HistoryList

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> Any:
        return super().changelist_view(request, {"title": "Historial", **(extra_context or {})})

    @admin.display(description="cuándo", ordering="action_time")
    def when(self, entry: LogEntry) -> str:
        return moment(entry.action_time)

    @admin.display(description="quién", ordering="user__username")
    def who(self, entry: LogEntry) -> str:
        return entry.user.get_full_name() or entry.user.get_username()

    @admin.display(description="qué hizo", ordering="action_flag")
    def done(self, entry: LogEntry) -> str:
        return DONE.get(entry.action_flag, "-")

    @admin.display(description="tipo", ordering="content_type")
    def kind(self, entry: LogEntry) -> str:
        return str(entry.content_type.name) if entry.content_type else "-"

    @admin.display(description="sobre", ordering="object_repr")
    def what(self, entry: LogEntry) -> str:
        address = None if entry.is_deletion() else entry.get_admin_url()
        if address is None:
            return entry.object_repr
        return format_html('<a href="{}">{}</a>', address, entry.object_repr)

    @admin.display(description="detalle")
    def message(self, entry: LogEntry) -> str:
        return entry.get_change_message() or "-"
