"""What the student reads beside the field, of what was typed in it."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.typed_rut import explain
from tests.factories import make_rut


def beside_the_field(client, typed):
    text = unescape(client.post("/", {"rut": typed}).content.decode())
    (sentence,) = re.findall(r'<span id="error_1_id_rut"><strong>(.*?)</strong>', text)
    return sentence


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("12.345.678-4", "Entendimos 12345678-4, pero su dígito verificador no corresponde: "
                         "revise el Rut."),
        ("012.345.678 – 4", "Entendimos 12345678-4, pero su dígito"),
        ("\u202a12.345.678-4\u202c", "Entendimos 12345678-4, pero su dígito"),
        ("12.345.678-\u200b", "Entendimos 12345678, sin el dígito verificador. Escríbalo"),
        ("12345678k", "Entendimos 12345678-k, pero su dígito verificador no corresponde: revise"),
        ("123456784", "Entendimos 12345678-4, pero su dígito verificador no corresponde. Si le "
                      "faltó escribirlo, agréguelo al final"),
        ("12345678-9", "Entendimos 12345678-9, que es el del ejemplo: escriba el suyo"),
        ("12.345.678 9", "Entendimos 12345678-9, que es el del ejemplo: escriba el suyo"),
        ("12345678", "Entendimos 1234567-8, pero su dígito verificador no corresponde. Si le "
                     "faltó escribirlo, agréguelo al final"),
        ("12.345.678-", "Entendimos 12345678, sin el dígito verificador. Escríbalo"),
        ("1-9", "Entendimos 1-9, pero le faltan números"),
        ("7", "Entendimos 7, pero le faltan números"),
        ("123.456.789-0", "Entendimos 123456789-0, pero le sobran números"),
        ("12.345.678-X", "Después del guion va un número o la letra k"),
        ("1234567k-5", "La letra k solo puede ir al final"),
        ("12345kkk", "Escriba su Rut solo con números, un guion"),
        ("P1234567", "Eso parece un pasaporte u otro documento"),
        ("AB 123456 C", "Eso parece un pasaporte u otro documento"),
        ("rosa11@example.cl", "Eso es un correo. Escriba su Rut"),
        ("no lo sé", "Escriba su Rut con números"),
        ("-", "Escriba su Rut con números"),
        ("12,345,678-5", "Escriba su Rut solo con números, un guion"),
        ("<b>1</b>", "Escriba su Rut solo con números, un guion"),
        ("12345678-5\x00", "Escriba su Rut solo con números, un guion"),
        ("11111111-1, 22222222-2, 33333333-3", "Escriba solo su Rut, sin nada más."),
        ("", "Escriba su Rut para continuar. Ejemplo: 12345678-9"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_was_understood_and_what_to_do(client, db, typed, sentence):
    assert beside_the_field(client, typed).startswith(sentence)


def test_what_was_typed_stays_in_the_field_to_be_mended(client, db):
    text = client.post("/", {"rut": "12.345.678-9"}).content.decode()
    assert 'value="12.345.678-9"' in text
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="id_rut_error"' in text
    assert 'id="id_rut_error"' in text


@given(st.integers(min_value=1_000_000, max_value=99_999_999), st.sampled_from("0123456789k"))
def test_the_right_check_digit_is_never_told(number, digit):
    right = make_rut(number)
    for typed in (f"{number}-{digit}", f"{number}{digit}", f"{number}-", f"{number}"):
        if typed.replace("-", "") != right.replace("-", ""):
            assert right not in explain(typed)


@given(st.text())
def test_any_text_gets_a_sentence_that_ends_in_what_to_do(typed):
    sentence = explain(typed)
    assert "Rut" in sentence or "Escríbalo" in sentence or "agréguelo" in sentence
    assert len(sentence) < 300 + len(typed)
