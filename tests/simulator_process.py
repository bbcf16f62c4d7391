"""Starts and stops the stand-in for SENCE as a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 30


class SimulatorProcess:
    """`with SimulatorProcess() as simulator:` listens on free ports until the block ends.

    `registry` is what SENCE knows: a dict as described in sence_simulator/README.md, or the path
    of such a file. Fixed ports may be given instead of free ones.
    """

    def __init__(
        self,
        registry: dict[str, Any] | Path | None = None,
        *,
        port: int = 0,
        login_port: int | None = None,
    ) -> None:
        self._registry = registry
        self._ports = ["--port", str(port)]
        if login_port is not None:
            self._ports += ["--login-port", str(login_port)]
        self.sence_origin = ""
        self.login_origin = ""

    @property
    def sence_url(self) -> str:
        """What SENCE_TEST_URL must be to reach this simulator."""
        return f"{self.sence_origin}/rcetest/Registro/"

    def start(self) -> Self:
        """Return when both ports listen; raises RuntimeError with what it said if it refuses."""
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sence_simulator", *self._ports, *self._registry_option()],
            cwd=ROOT,
            env={**os.environ, "DEBUG": "true"},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self.process.stdout is not None
        said: dict[str, str] = {}
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            said[name] = value
            if name == "listo":
                self.sence_origin, self.login_origin = said["SENCE"], said["Ingreso"]
                return self
        self.process.wait()
        raise RuntimeError(f"The simulator did not start: {self.errors()}")

    def stop(self) -> int:
        """Ask it to end and wait; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(TIMEOUT)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def errors(self) -> str:
        """Everything that it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read()

    def set_behaviour(self, run: str | None = None, **behaviour: Any) -> None:
        """Choose how the next well-formed request of `run`, or of anybody, is answered.

        For instance `outcome="no_code"`, `codes=["211", "204"]`, `other_codes="999"`,
        `delivery="late"`, `missing=["ZonaHoraria"]`; all of them in sence_simulator/README.md.
        """
        answer = requests.post(
            f"{self.sence_origin}/simulador/comportamiento",
            json={"run": run, "next": behaviour},
            timeout=TIMEOUT,
        )
        if answer.status_code != 200:
            raise ValueError(answer.text)

    def reset(self) -> None:
        """Forget the requests received and the behaviours set ahead."""
        requests.post(f"{self.sence_origin}/simulador/reiniciar", timeout=TIMEOUT)

    def _registry_option(self) -> list[str]:
        if self._registry is None:
            return []
        path = self._registry
        if isinstance(path, dict):
            self._folder = tempfile.TemporaryDirectory()
            path = Path(self._folder.name) / "registry.json"
            path.write_text(json.dumps(self._registry), encoding="utf-8")
        return ["--registry", str(path)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
