"""Invented OTECs, courses and people, all of them valid."""

from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory
from stdnum.cl import rut as stdnum_rut

from courses import models


def make_rut(number: int) -> str:
    """Return the canonical RUT of a number of seven or eight digits."""
    return f"{number}-{stdnum_rut.calc_check_digit(str(number)).lower()}"


class OtecFactory(DjangoModelFactory):
    class Meta:
        model = models.Otec
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"OTEC {n}")
    rut = factory.Sequence(lambda n: make_rut(76_000_000 + n))

    @factory.post_generation
    def token(otec, create, token):  # noqa: N805
        otec.set_token(token or "11111111-2222-3333-4444-555555555555")
        otec.save()


class CourseFactory(DjangoModelFactory):
    class Meta:
        model = models.Course

    otec = factory.SubFactory(OtecFactory)
    name = factory.Sequence(lambda n: f"CURSO {n}")
    training_line = models.TrainingLine.TAX_CREDIT
    sence_code = factory.Sequence(lambda n: f"12{n:08d}")


class ActionFactory(DjangoModelFactory):
    class Meta:
        model = models.Action

    course = factory.SubFactory(CourseFactory)
    code = factory.Sequence(lambda n: f"{6_000_000 + n}")
    starts_on = factory.LazyFunction(lambda: timezone.localdate() - timedelta(days=10))
    ends_on = factory.LazyFunction(lambda: timezone.localdate() + timedelta(days=20))
    environment = models.Environment.TEST


class StudentFactory(DjangoModelFactory):
    class Meta:
        model = models.Student

    run = factory.Sequence(lambda n: make_rut(10_000_000 + n))
    given_names = "Ana"
    surnames = factory.Sequence(lambda n: f"Pérez {n}")
    email = factory.Sequence(lambda n: f"alumna{n}@example.com")


class EnrolmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Enrolment

    student = factory.SubFactory(StudentFactory)
    action = factory.SubFactory(ActionFactory)
