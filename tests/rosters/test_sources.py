"""Rosters from paths, streams and https addresses."""

import datetime
import hashlib
import io
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from courses.rosters import download, sources
from courses.rosters.errors import RosterError
from courses.rosters.sources import open_source, receive

BODY = b"rut;codigo_accion\n11111111-1;0600001\n"


def taken(text, stdin=None):
    with open_source(str(text), stdin) as source:
        return source.name, source.file.read()


def refused(text):
    with pytest.raises(RosterError) as caught, open_source(str(text)):
        pass
    return str(caught.value)


def test_a_path_is_read_and_digested(tmp_path):
    path = tmp_path / "inscritos.csv"
    path.write_bytes(BODY)
    assert taken(path) == ("inscritos.csv", BODY)
    with open_source(str(path)) as source:
        assert source.digest == hashlib.sha256(BODY).hexdigest()
        assert source.size == len(BODY)


def test_a_hyphen_is_standard_input():
    assert taken("-", io.BytesIO(BODY)) == ("entrada estándar", BODY)


def test_a_path_that_cannot_be_read_is_refused(tmp_path):
    assert "No existe el archivo" in refused(tmp_path / "nada.csv")
    assert "es una carpeta" in refused(tmp_path)
    assert "No se puede leer" in refused("a\0b")
    assert "No se puede leer" in refused("x" * 5000)


def test_too_large_a_stream_is_refused_before_it_ends():
    def endless():
        while True:
            yield b"x" * 2**20

    with (
        pytest.raises(RosterError, match="supera los 5 MB"),
        receive(endless(), "infinito", max_bytes=5 * 2**20),
    ):
        pass


@pytest.mark.parametrize("url", ["http://example.com/a.csv", "ftp://example.com/a", "file:///etc"])
def test_only_https_is_fetched(url):
    assert "https://" in refused(url)


@pytest.mark.parametrize("url", ["https://", "https://[", "https://a b/", "https://\udcff/"])
def test_an_address_that_makes_no_sense_is_refused(url):
    assert "Revise la dirección" in refused(url)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        getattr(self, "send_" + self.path.split("?")[0].strip("/").replace(".", "_"))()

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_lista_csv(self):
        self.answer(200, BODY)

    def send_hop(self):
        self.answer(302, Location="/lista.csv")

    def send_down(self):
        self.answer(302, Location=f"http://{self.headers['Host']}/lista.csv")

    def send_loop(self):
        self.answer(302, Location="/loop")

    def send_missing(self):
        self.answer(404, b"<html>")

    def send_endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 2**16)
        except OSError:
            pass

    def send_drip(self):
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.stopping.wait(0.05):
                self.wfile.write(b"x")
        except OSError:
            pass

    def send_silence(self):
        self.server.stopping.wait(20)

    def send_cut(self):
        self.answer(200, b"rut;", **{"Content-Length": "100"})

    def log_message(self, *args):
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(scope="module")
def address(certificate):
    """The address of a real https server on the loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.stopping = threading.Event()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.stopping.set()
    server.shutdown()
    thread.join()
    server.server_close()


class TestHttps:
    @pytest.fixture(autouse=True)
    def trusted(self, certificate, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def test_an_https_address_is_fetched(self, address):
        assert taken(f"{address}/lista.csv?clave=secreta") == ("lista.csv", BODY)

    def test_a_redirect_to_https_is_followed(self, address):
        assert taken(f"{address}/hop") == ("hop", BODY)

    def test_a_redirect_to_http_is_refused(self, address):
        assert "Solo se descarga por https" in refused(f"{address}/down")

    def test_redirects_end(self, address):
        assert "demasiadas veces" in refused(f"{address}/loop")

    def test_an_answer_that_is_not_the_file_is_refused(self, address):
        assert "respondió 404" in refused(f"{address}/missing?clave=secreta")

    def test_a_body_without_end_is_cut_at_the_limit(self, address, monkeypatch):
        monkeypatch.setattr(sources, "MAX_BYTES", 2**20)
        assert "supera los 1 MB" in refused(f"{address}/endless")

    def test_a_server_that_says_nothing_times_out(self, address, monkeypatch):
        monkeypatch.setattr(download, "READ_SECONDS", 0.3)
        assert "tarda demasiado" in refused(f"{address}/silence")

    def test_a_server_that_drips_times_out(self, address, monkeypatch):
        monkeypatch.setattr(download, "TOTAL_SECONDS", 0.3)
        assert "tarda demasiado" in refused(f"{address}/drip")

    def test_a_body_cut_short_is_refused(self, address):
        assert "No se pudo descargar" in refused(f"{address}/cut")

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, address, monkeypatch):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        assert "certificado" in refused(f"{address}/lista.csv")

    def test_nobody_there_is_said_without_the_address(self):
        said = refused("https://127.0.0.1:1/lista.csv?clave=secreta")
        assert "No se pudo descargar" in said
        assert "secreta" not in said
