"""Two OTECs: each group, on each page of the courses, by page, by address and by tampered forms."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from courses.models import (
    Action,
    Course,
    Enrolment,
    Otec,
    RejectedRow,
    RosterImport,
    StaffScope,
    Student,
)
from tests.backoffice.staff import GROUPS, browser_of, member
from tests.factories import (
    ActionFactory,
    CourseFactory,
    EnrolmentFactory,
    OtecFactory,
    StudentFactory,
)

pytestmark = pytest.mark.django_db
MODELS = ["otec", "course", "action", "student", "enrolment", "rosterimport", "rejectedrow"]
EDITED = ["course", "action", "student", "enrolment"]
EDITORS = ["Coordinador", "Administrador"]


def address(page: str, *args, **query) -> str:
    return reverse(f"admin:courses_{page}", args=args, query=query)


def found(client, model: str, **query) -> set[int]:
    response = client.get(address(f"{model}_changelist", **query))
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def world(loader=None) -> dict:
    """One OTEC with a row of each model, by the model's name."""
    enrolment = EnrolmentFactory()
    action = enrolment.action
    loaded = RosterImport.objects.create(
        file_name="n.csv", digest="0" * 64, loaded_by=loader, rows_rejected=1
    )
    return {
        "otec": action.course.otec,
        "course": action.course,
        "action": action,
        "student": enrolment.student,
        "enrolment": enrolment,
        "rosterimport": loaded,
        "rejectedrow": RejectedRow.objects.create(roster_import=loaded, line=2, reason="x"),
    }


def limited(group: str):
    """A browser of someone who is limited to one of two OTECs, and both of them."""
    mine, other = world(), world(member("Coordinador", "ajena"))
    user = member(group, otecs=[mine["otec"]])
    RosterImport.objects.filter(pk=mine["rosterimport"].pk).update(loaded_by=user)
    return browser_of(user), mine, other


def form_of(row) -> dict:
    """What the form of a row posts when nothing is changed."""
    if isinstance(row, Course):
        fields = ["otec_id", "name", "training_line", "sence_code"]
    elif isinstance(row, Action):
        fields = ["course_id", "code", "starts_on", "ends_on", "environment"]
    elif isinstance(row, Student):
        fields = ["run", "given_names", "surnames", "email"]
    elif isinstance(row, Otec):
        fields = ["name", "rut", "alert_emails"]
    else:
        fields = ["student_id", "action_id"]
    return {name.removesuffix("_id"): getattr(row, name) for name in fields}


def choices(client, model: str, field: str) -> set[str]:
    query = {"app_label": "courses", "model_name": model, "field_name": field}
    response = client.get(reverse("admin:autocomplete", query=query))
    return {row["id"] for row in response.json()["results"]}


# What each sees


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("model", MODELS)
def test_a_list_shows_and_counts_only_what_is_theirs(group, model):
    client, mine, other = limited(group)
    assert found(client, model) == {mine[model].pk}
    response = client.get(address(f"{model}_changelist"))
    assert response.context["cl"].result_count == 1
    assert found(client, model, q="zzz") == set()
    everybody = browser_of(member(group, "todas"))
    assert found(everybody, model) >= {mine[model].pk, other[model].pk}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("model", MODELS)
def test_nothing_of_another_otec_opens_by_its_address(group, model):
    client, mine, other = limited(group)
    before = type(other[model]).objects.filter(pk=other[model].pk).values().get()
    assert client.get(address(f"{model}_change", mine[model].pk)).status_code == 200
    assert client.get(address(f"{model}_history", mine[model].pk)).status_code == 200
    for page in ("change", "delete", "history"):
        url = address(f"{model}_{page}", other[model].pk)
        # 302: Django's "perhaps it was deleted", which tells nobody that it exists.
        assert client.get(url).status_code in {302, 403}
        data = form_of(other[model]) if model in [*EDITED, "otec"] else {}
        assert client.post(url, data | {"post": "yes"}).status_code in {302, 403, 405}
    assert type(other[model]).objects.filter(pk=other[model].pk).values().get() == before


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("course", "otec__id__exact"),
        ("action", "course__otec__id__exact"),
        ("enrolment", "action__course__otec__id__exact"),
    ],
)
def test_the_filters_name_only_their_otecs(model, query):
    client, mine, other = limited("Coordinador")
    second = OtecFactory()
    StaffScope.objects.get(user__username="persona").otecs.add(second)
    assert found(client, model, **{query: other["otec"].pk}) == set()
    page = client.get(address(f"{model}_changelist")).content.decode()
    assert str(mine["otec"]) in page
    assert str(second) in page
    assert f">{other['otec']}<" not in page
    assert (
        str(other["otec"])
        in browser_of(member("Coordinador", "todas"))
        .get(address(f"{model}_changelist"))
        .content.decode()
    )


@pytest.mark.parametrize("model", ["action", "rosterimport"])
def test_the_bar_of_dates_has_only_theirs(model):
    client, _, other = limited("Coordinador")
    if model == "action":
        Action.objects.filter(pk=other["action"].pk).update(starts_on="1999-05-06")
    else:
        RosterImport.objects.filter(pk=other[model].pk).update(loaded_at="1999-05-06T12:00Z")
    assert "1999" not in client.get(address(f"{model}_changelist")).content.decode()


def test_the_links_from_row_to_row_stay_within():
    client, mine, other = limited("Coordinador")
    EnrolmentFactory(student=mine["student"], action=other["action"])
    assert found(client, "enrolment", student__id__exact=mine["student"].pk) == {
        mine["enrolment"].pk
    }
    assert found(client, "action", course__id__exact=other["course"].pk) == set()
    assert found(client, "rejectedrow", roster_import__id__exact=other["rosterimport"].pk) == set()


def test_students_are_theirs_or_nobodys_and_each_once():
    client, mine, other = limited("Coordinador")
    for _ in range(3):
        EnrolmentFactory(student=mine["student"], action__course__otec=mine["otec"])
    shared = EnrolmentFactory(student=other["student"], action=mine["action"]).student
    new = StudentFactory()
    foreign = EnrolmentFactory().student
    response = client.get(address("student_changelist"))
    shown = [row.pk for row in response.context["cl"].result_list]
    assert sorted(shown) == sorted([mine["student"].pk, shared.pk, new.pk])
    assert found(client, "student", q=foreign.run) == set()
    # Withdrawn, theirs all the same.
    Enrolment.objects.filter(student=shared).update(withdrawn_at=timezone.now())
    assert shared.pk in found(client, "student")


def test_a_student_whom_another_otec_enrolled_is_not_made_again_and_the_way_is_told():
    client, _, other = limited("Coordinador")
    data = {"run": other["student"].run, "given_names": "", "surnames": "", "email": ""}
    page = client.post(address("student_add"), data).content.decode()
    assert "inscríbalo cargando una nómina" in page
    assert other["student"].surnames not in page


def test_a_student_shared_with_another_otec_is_read_and_not_changed():
    client, mine, other = limited("Coordinador")
    EnrolmentFactory(student=other["student"], action=mine["action"])
    changed = form_of(other["student"]) | {"email": "otro@example.com", "given_names": "Otra"}
    page = client.get(address("student_change", other["student"].pk)).content.decode()
    assert "también está inscrito con otro OTEC" in page
    assert 'name="email"' not in page
    assert "_save" not in page
    url = address("student_change", other["student"].pk)
    assert client.post(url, changed).status_code == 403
    assert form_of(Student.objects.get(pk=other["student"].pk)) == form_of(other["student"])
    browser_of(member("Coordinador", "todas")).post(
        address("student_change", other["student"].pk), changed
    )
    assert Student.objects.get(pk=other["student"].pk).email == "otro@example.com"


# What each accepts


@pytest.mark.parametrize("group", EDITORS)
@pytest.mark.parametrize(
    ("model", "field", "related"),
    [
        ("course", "otec", "otec"),
        ("action", "course", "course"),
        ("enrolment", "student", "student"),
        ("enrolment", "action", "action"),
    ],
)
def test_a_form_offers_and_takes_only_what_is_theirs(group, model, field, related):
    client, mine, other = limited(group)
    assert choices(client, model, field) == {str(mine[related].pk)}
    new = {
        "course": {"name": "NUEVO", "sence_code": "1299999999"},
        "action": {"code": "6999999"},
        "enrolment": {"student": StudentFactory().pk},
    }[model]
    tampered = form_of(mine[model]) | new | {field: other[related].pk}
    before = type(mine[model]).objects.count()
    response = client.post(address(f"{model}_add"), tampered)
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert type(mine[model]).objects.count() == before
    if model != "enrolment":
        tampered = form_of(mine[model]) | {field: other[related].pk}
        response = client.post(address(f"{model}_change", mine[model].pk), tampered)
        assert field in response.context["adminform"].form.errors


@pytest.mark.parametrize("group", EDITORS)
@pytest.mark.parametrize("model", EDITED)
def test_what_is_theirs_is_saved(group, model):
    client, mine, _ = limited(group)
    response = client.post(address(f"{model}_change", mine[model].pk), form_of(mine[model]))
    assert response.status_code == 302
    assert LogEntry.objects.get().object_id == str(mine[model].pk)


@pytest.mark.parametrize("group", EDITORS)
@pytest.mark.parametrize("action", ["withdraw", "reinstate"])
def test_an_action_on_a_tampered_selection_changes_only_theirs(group, action):
    client, mine, other = limited(group)
    if action == "reinstate":
        Enrolment.objects.update(withdrawn_at=timezone.now())
    before = Enrolment.objects.get(pk=other["enrolment"].pk).withdrawn_at
    chosen = [mine["enrolment"].pk, other["enrolment"].pk]
    for data in ({"_selected_action": chosen}, {"_selected_action": chosen, "select_across": 1}):
        client.post(address("enrolment_changelist"), {"action": action, **data})
        assert Enrolment.objects.get(pk=other["enrolment"].pk).withdrawn_at == before
    changed = Enrolment.objects.get(pk=mine["enrolment"].pk).withdrawn_at
    assert bool(changed) == (action == "withdraw")


# What each group may do


@pytest.mark.parametrize("model", EDITED)
def test_an_auditor_changes_nothing(model):
    row = world()[model]
    client = browser_of(member("Auditor"))
    assert client.get(address(f"{model}_add")).status_code == 403
    assert client.post(address(f"{model}_add"), form_of(row)).status_code == 403
    page = client.get(address(f"{model}_change", row.pk))
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    assert client.post(address(f"{model}_change", row.pk), form_of(row)).status_code == 403
    assert client.post(address(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    data = {"action": "withdraw", "_selected_action": [row.pk]}
    client.post(address("enrolment_changelist"), data)
    assert not Enrolment.objects.withdrawn().exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("group", ["Coordinador", "Auditor"])
def test_otecs_and_tokens_are_for_administrators(group):
    otec = OtecFactory()
    client, before = browser_of(member(group)), otec.token()
    page = client.get(address("otec_change", otec.pk)).content.decode()
    assert "new_token" not in page
    assert "Configurado" in page
    data = form_of(otec) | {"new_token": "bbbbbbbb-2222-3333-4444-555555555555"}
    assert client.post(address("otec_change", otec.pk), data).status_code == 403
    assert client.get(address("otec_add")).status_code == 403
    assert client.post(address("otec_delete", otec.pk), {"post": "yes"}).status_code == 403
    otec.refresh_from_db()
    assert otec.token() == before


def test_a_token_cannot_be_guessed_by_filters():
    otec = OtecFactory()
    client = browser_of(member("Administrador"))
    for lookup in ("token_ciphertext", "token_ciphertext__startswith"):
        query = {lookup: otec.token_ciphertext[:20]}
        assert client.get(address("otec_changelist", **query)).status_code == 400


@pytest.mark.parametrize("model", MODELS)
def test_who_is_in_no_group_sees_nothing(model):
    row = world()[model]
    client = browser_of(member(None))
    for page in (
        address(f"{model}_changelist"),
        address(f"{model}_change", row.pk),
        address(f"{model}_history", row.pk),
        address(f"{model}_delete", row.pk),
    ):
        assert client.get(page).status_code == 403


def test_an_administrator_who_is_limited_makes_no_otec_that_they_would_not_see():
    client, mine, _ = limited("Administrador")
    assert client.get(address("otec_add")).status_code == 403
    data = form_of(mine["otec"]) | {"name": "Otro nombre", "alert_emails": "a@example.com"}
    assert client.post(address("otec_change", mine["otec"].pk), data).status_code == 302
    assert Otec.objects.get(pk=mine["otec"].pk).alert_emails == "a@example.com"


# Deleting


def test_an_otec_that_someone_is_limited_to_is_not_deleted():
    """Without it they would be limited to none, which is to see all of them."""
    otec = OtecFactory()
    person = member("Coordinador", "otra", [otec])
    client = browser_of(member("Administrador"))
    page = address("otec_delete", otec.pk)
    for response in (client.get(page), client.post(page, {"post": "yes"})):
        assert "Usuarios que trabajan para este OTEC: 1" in response.content.decode()
    assert list(person.scope.otecs.all()) == [otec]
    person.scope.otecs.clear()
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert not Otec.objects.filter(pk=otec.pk).exists()


def test_what_keeps_a_row_from_being_deleted_is_counted_within_their_otecs():
    client, mine, other = limited("Coordinador")
    EnrolmentFactory.create_batch(3, student=mine["student"])
    page = client.get(address("student_delete", mine["student"].pk)).content.decode()
    assert "<li>1 inscripción</li>" in page
    assert "<li>4 inscripciones</li>" not in page
    shared = EnrolmentFactory(student=other["student"], action=mine["action"])
    Enrolment.objects.filter(pk=shared.pk).delete()
    assert client.get(address("student_delete", other["student"].pk)).status_code == 302


def test_the_count_of_a_course_is_of_its_own_actions():
    client, mine, _ = limited("Coordinador")
    ActionFactory(course=mine["course"])
    CourseFactory(otec=mine["otec"], name="SIN ACCIONES")
    rows = client.get(address("course_changelist")).context["cl"].result_list
    assert sorted(row.action_count for row in rows) == [0, 2]
