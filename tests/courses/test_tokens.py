"""OTEC tokens at rest."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from courses import tokens
from courses.models import Otec
from courses.tokens import TokenUnavailableError
from tests.factories import OtecFactory

TOKEN = "0A1B2C3D-1111-2222-3333-444455556666"
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def with_keys(settings, *keys):
    settings.TOKEN_ENCRYPTION_KEYS = list(keys)


def test_a_token_comes_back_as_it_was_given(settings):
    with_keys(settings, NEW)
    ciphertext = tokens.encrypt(TOKEN)
    assert TOKEN not in ciphertext
    assert tokens.decrypt(ciphertext) == TOKEN


def test_the_first_key_encrypts_and_every_key_decrypts(settings):
    with_keys(settings, OLD)
    written_before = tokens.encrypt(TOKEN)
    with_keys(settings, NEW, OLD)
    written_after = tokens.encrypt(TOKEN)
    assert tokens.decrypt(written_before) == TOKEN
    with_keys(settings, NEW)
    assert tokens.decrypt(written_after) == TOKEN
    with pytest.raises(TokenUnavailableError):
        tokens.decrypt(written_before)


def test_the_same_token_is_never_written_twice_alike(settings):
    with_keys(settings, NEW)
    assert tokens.encrypt(TOKEN) != tokens.encrypt(TOKEN)


def test_a_lost_key_is_said_with_its_remedy(settings):
    with_keys(settings, OLD)
    ciphertext = tokens.encrypt(TOKEN)
    with_keys(settings, NEW)
    with pytest.raises(TokenUnavailableError, match="Restaure la clave en TOKEN_ENCRYPTION_KEYS"):
        tokens.decrypt(ciphertext)


@pytest.mark.parametrize("ciphertext", ["x", "gAAAA", "ñ", "\x00", TOKEN])
def test_a_damaged_token_is_unavailable(settings, ciphertext):
    with_keys(settings, NEW)
    with pytest.raises(TokenUnavailableError) as unavailable:
        tokens.decrypt(ciphertext)
    assert ciphertext not in str(unavailable.value).split()


def test_no_key_is_said_for_reading_and_for_writing(settings):
    with_keys(settings, NEW)
    ciphertext = tokens.encrypt(TOKEN)
    with_keys(settings)
    with pytest.raises(TokenUnavailableError, match="TOKEN_ENCRYPTION_KEYS está vacío"):
        tokens.encrypt(TOKEN)
    with pytest.raises(TokenUnavailableError, match="TOKEN_ENCRYPTION_KEYS está vacío"):
        tokens.decrypt(ciphertext)


@pytest.mark.parametrize(
    "key",
    ["", "corta", "x" * 44, "ñ" * 44, NEW[:-1]],
    ids=["none", "short", "not-base64", "not-ascii", "cut"],
)
def test_a_malformed_key_is_said_for_reading_and_for_writing(settings, key):
    with_keys(settings, NEW)
    ciphertext = tokens.encrypt(TOKEN)
    with_keys(settings, NEW, key)
    for use in (lambda: tokens.encrypt(TOKEN), lambda: tokens.decrypt(ciphertext)):
        with pytest.raises(TokenUnavailableError, match="clave mal escrita") as unavailable:
            use()
        assert NEW not in str(unavailable.value)


def test_an_otec_without_token_is_said_with_its_remedy():
    with pytest.raises(TokenUnavailableError, match="Ingréselo en la ficha del OTEC"):
        Otec(name="Sin token").token()


@pytest.mark.django_db
def test_an_otec_keeps_its_token_where_only_its_keys_reach_it():
    otec = OtecFactory(token=TOKEN)
    assert Otec.objects.get(pk=otec.pk).token() == TOKEN
    assert otec.has_token
    assert TOKEN not in repr(otec) + str(otec)
    with connection.cursor() as cursor:
        cursor.execute("SELECT courses_otec::text FROM courses_otec")
        assert TOKEN not in cursor.fetchone()[0]


def rotate() -> str:
    said = StringIO()
    call_command("rotate_token_keys", stdout=said, stderr=said)
    return said.getvalue()


@pytest.mark.django_db
def test_keys_rotate_by_a_command_that_may_be_repeated(settings):
    with_keys(settings, OLD)
    otec = OtecFactory()
    otec.set_token(TOKEN)
    otec.save()
    Otec.objects.filter(pk=OtecFactory().pk).update(token_ciphertext="")
    with_keys(settings, NEW, OLD)
    for _ in range(2):
        said = rotate()
        assert "Tokens cifrados con la primera clave: 1." in said
        assert "Ya puede quitar las demás claves" in said
        assert TOKEN not in said
    with_keys(settings, NEW)
    otec.refresh_from_db()
    assert otec.token() == TOKEN


@pytest.mark.django_db
def test_a_token_of_a_lost_key_is_named_and_left_and_the_others_rotate(settings):
    with_keys(settings, OLD)
    lost = OtecFactory(name="OTEC perdido")
    lost.set_token(TOKEN)
    lost.save()
    with_keys(settings, NEW)
    kept = OtecFactory()
    kept.set_token(TOKEN)
    kept.save()
    with pytest.raises(SystemExit, match="1"):
        rotate()
    before, _ = lost.token_ciphertext, lost.refresh_from_db()
    assert lost.token_ciphertext == before
    kept.refresh_from_db()
    assert kept.token() == TOKEN


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [[], ["not a key"]])
def test_without_usable_keys_nothing_is_rotated(settings, keys):
    with_keys(settings, OLD)
    otec = OtecFactory()
    otec.set_token(TOKEN)
    otec.save()
    with_keys(settings, *keys)
    with pytest.raises(CommandError, match="TOKEN_ENCRYPTION_KEYS"):
        rotate()
