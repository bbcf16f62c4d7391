"""A GlosaError is parted into codes for the student, for the desk and for the lists: all alike."""

import pytest

from attendance.models import CallbackVerdict, Outcome
from attendance.sence.incoming import error_codes
from backoffice.review.filters import NO_CODE, refused_with
from tests.attendance_steps import answer, last_verdict, post, requested
from tests.backoffice.staff import browser_of, member
from tests.backoffice.test_desk import desk

pytestmark = pytest.mark.django_db

PLAIN = ["204", "308", "20", "08", "3080", "308 204", NO_CODE]


@pytest.mark.parametrize(
    ("glosa", "codes"),
    [
        ("308", ["308"]),
        ("308;204", ["204", "308"]),
        ("  308 ;\t204\r\n; ", ["204", "308"]),
        (";;308;;;204;;", ["204", "308"]),
        ("308; ;204; ", ["204", "308"]),
        ("308;308 ; 308", ["308"]),
        ("308 204", ["308 204"]),
        ("3080;20", ["20", "3080"]),
        (
            "308;\u00a0204\u00a0;\u2003309\u3000;\u2028310\x1f;\x85311",
            ["204", "308", "309", "310", "311"],
        ),
        ("308;\u200b204", ["308", "\u200b204"]),
        ("Ñandú (1);a.c;^[x]*$;\\s", ["\\s", "^[x]*$", "a.c", "Ñandú (1)"]),
        ("300;sin conexión;abc", ["300", "abc", "sin conexión"]),
        (";", []),
        (" ; ;\u00a0", []),
        ("", [NO_CODE]),
    ],
)
def test_the_student_the_desk_and_the_lists_read_the_same_codes(glosa, codes):
    session = requested()
    post(session, "open", answer(session, GlosaError=glosa), error=True)
    verdict = last_verdict()
    assert verdict.outcome == Outcome.REJECTED

    shown = desk(browser_of(member("Coordinador"))).errors
    listed = [
        code
        for code in {*PLAIN, *codes, *error_codes(glosa)}
        if CallbackVerdict.objects.filter(refused_with(code), pk=verdict.pk).exists()
    ]

    assert sorted(error_codes(verdict.glosa)) == [code for code in codes if code != NO_CODE]
    assert sorted(error.code or NO_CODE for error in shown) == sorted(listed) == codes
