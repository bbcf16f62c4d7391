"""The demo: the site, SENCE's simulator, and invented people, until Ctrl+C. `make demo` runs it."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".demo"
USER = "demo"


def main() -> int:
    """Prepare the database, start both servers and wait; return the exit status."""
    ports = _ports()
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    # Without this a demo in a shell set up for production would fill its database.
    os.environ.update(_environment(ports))
    password = _password()
    _manage("migrate", "--verbosity=0")
    _manage("load_demo", f"--registry={FOLDER / 'sence.json'}")
    _create_staff(password)
    commands = [_simulator(ports), _site(ports)]
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _say_what_to_do(ports, password)
        # Where one of them ends by itself (a port in use), the demo is over.
        while all(process.poll() is None for process in processes):
            try:
                processes[0].wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _ports() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Demo del sistema de asistencia, en este equipo.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--sence-port", type=int, default=8001)
    parser.add_argument("--login-port", type=int, default=8002)
    return parser.parse_args()


def _environment(ports: argparse.Namespace) -> dict[str, str]:
    sence, login = f"http://127.0.0.1:{ports.sence_port}", f"http://localhost:{ports.login_port}"
    return {
        "DJANGO_SETTINGS_MODULE": "usecap_sence.settings",
        "DEBUG": "true",
        "DATABASE_URL": "",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "PUBLIC_BASE_URL": f"http://localhost:{ports.port}",
        "SENCE_PRODUCTION_URL": f"{sence}/rce/Registro/",
        "SENCE_TEST_URL": f"{sence}/rcetest/Registro/",
        "SENCE_FORM_HOSTS": f"{sence},{login}",
        "EMAIL_URL": "consolemail://",
        "CACHE_URL": "locmemcache://",
    }


def _password() -> str:
    file = FOLDER / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9))
    return file.read_text()


def _create_staff(password: str) -> None:
    import django  # noqa: PLC0415 - the environment must be complete first

    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415

    users = get_user_model().objects
    user = users.filter(username=USER).first() or users.create_superuser(USER)
    if not user.check_password(password):
        user.set_password(password)
        user.save()


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, check=True)  # noqa: S603


def _simulator(ports: argparse.Namespace) -> list[str]:
    return [
        sys.executable,
        "-m",
        "sence_simulator",
        f"--port={ports.sence_port}",
        f"--login-port={ports.login_port}",
        f"--registry={FOLDER / 'sence.json'}",
    ]


def _site(ports: argparse.Namespace) -> list[str]:
    return [sys.executable, "manage.py", "runserver", "--noreload", f"localhost:{ports.port}"]


def _say_what_to_do(ports: argparse.Namespace, password: str) -> None:
    print(  # noqa: T201
        f"""
  Sitio        http://localhost:{ports.port}
  Admin        http://localhost:{ports.port}/admin/   usuario {USER}, clave {password}
  Simulador    http://127.0.0.1:{ports.sence_port}/simulador/

  En el ingreso del simulador sirve cualquier clave de 7 o más caracteres; allí mismo se elige
  qué responde: errores, silencio, respuestas tardías o repetidas. Para terminar: Ctrl+C.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
