"""The student that a command is about."""

import sys

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from courses.models import Student
from courses.rut import normalise


def student_of(typed: str) -> Student:
    """Return the student of a RUT as it was typed; "-" reads it from standard input, so that it
    stays out of the shell's history. Raises CommandError with a sentence, without the RUT."""
    if typed == "-":
        typed = sys.stdin.readline()
    try:
        return Student.objects.get(run=normalise(typed.strip()))
    except (ValidationError, ValueError):
        raise CommandError("Ese RUT no es válido. Revise los números y el dígito.") from None
    except Student.DoesNotExist:
        raise CommandError("No hay ningún alumno con ese RUT.") from None
