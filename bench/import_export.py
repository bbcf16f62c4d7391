"""python -m bench.import_export FILE: the same roster, as django-import-export loads it in bulk.

What a Django team would write with its documentation at hand: resources with bulk saves, batches,
and no reports or log entries.
"""

import csv
import sys

import django

django.setup()

from import_export import resources  # noqa: E402 - the apps come first
from import_export.fields import Field  # noqa: E402
from import_export.widgets import ForeignKeyWidget  # noqa: E402
from tablib import Dataset  # noqa: E402

from courses.models import Action, Enrolment, Student  # noqa: E402


class Bulk:
    use_bulk = True
    batch_size = 1000
    skip_diff = True
    skip_html_diff = True
    report_skipped = False


class StudentResource(resources.ModelResource):
    run = Field("run", "rut")
    given_names = Field("given_names", "nombres")
    surnames = Field("surnames", "apellidos")
    email = Field("email", "correo")

    class Meta(Bulk):
        model = Student
        fields = ("run", "given_names", "surnames", "email")
        import_id_fields = ("run",)


class EnrolmentResource(resources.ModelResource):
    student = Field("student", "rut", widget=ForeignKeyWidget(Student, "run"))
    action = Field("action", "codigo_accion", widget=ForeignKeyWidget(Action, "code"))

    class Meta(Bulk):
        model = Enrolment
        fields = ("student", "action")
        import_id_fields = ("student", "action")


def main(path: str) -> None:
    with open(path, newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    # A student's second row must not make the student again.
    people = {row[0]: row for row in rows}
    for resource, wanted in ((StudentResource(), people.values()), (EnrolmentResource(), rows)):
        result = resource.import_data(
            Dataset(*wanted, headers=header), raise_errors=True, use_transactions=True
        )
        if result.has_errors():
            sys.exit("It has errors.")


if __name__ == "__main__":
    main(sys.argv[1])
