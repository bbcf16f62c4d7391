"""All that the simulator remembers: in this process only, bounded, gone when it stops."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sence_simulator.behaviours import NORMAL, Behaviour
from sence_simulator.protocol import chile_now, same_run
from sence_simulator.registry import Registry

MAX_REQUESTS = 300
MAX_SESSIONS = 10_000
MAX_BEHAVIOURS = 300
EVERYBODY = ""
SESSION_PREFIX = "SIM-"

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Callback:
    """One form that the browser carries back: where to, and its fields in SENCE's order."""

    url: str
    fields: Mapping[str, str]


@dataclass
class SenceRequest:
    """One form received, and what became of it."""

    id: str
    environment: str
    closing: bool
    fields: Mapping[str, str]
    received_at: datetime
    behaviour: Behaviour = NORMAL
    session_id: str = ""
    recorded_at: datetime | None = None
    result: str = "Espera el ingreso"
    note: str = ""
    callbacks: list[Callback] = field(default_factory=list)
    answered: bool = False

    @property
    def run(self) -> str:
        return self.fields.get("RunAlumno", "")

    @property
    def answer_path(self) -> str:
        """Where, on SENCE's origin, the answer is shown once there is one."""
        return f"/{self.environment}/Registro/Respuesta/{self.id}"


@dataclass
class IssuedSession:
    """An IdSesionSence given out. `closed_by` is the id of the request that closed it."""

    run: str
    opened_at: datetime
    closed_by: str = ""


class Memory:
    """Shared by the threads of both origins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boot = secrets.token_hex(3)
        self._requests: OrderedDict[str, SenceRequest] = OrderedDict()
        self._sessions: OrderedDict[str, IssuedSession] = OrderedDict()
        self._behaviours: OrderedDict[str, Behaviour] = OrderedDict()

    def receive(
        self, fields: Mapping[str, str], *, environment: str, closing: bool
    ) -> SenceRequest:
        """Keep a form as it came, under an unguessable id."""
        request = SenceRequest(secrets.token_urlsafe(16), environment, closing, fields, chile_now())
        with self._lock:
            _remember(self._requests, request.id, request, MAX_REQUESTS)
        return request

    def find(self, request_id: str) -> SenceRequest | None:
        return self._requests.get(request_id)

    def latest(self) -> list[SenceRequest]:
        """The requests in memory, the newest first."""
        with self._lock:
            return list(reversed(self._requests.values()))

    def set_behaviour(self, run: str, behaviour: Behaviour) -> None:
        """For the next well-formed request of `run`, or of anybody when it is empty."""
        with self._lock:
            _remember(self._behaviours, same_run(run), behaviour, MAX_BEHAVIOURS)

    def take_behaviour(self, run: str) -> Behaviour:
        """The behaviour set ahead for this RUN, else for everybody, else the normal one; once."""
        with self._lock:
            for key in (same_run(run), EVERYBODY):
                if key in self._behaviours:
                    return self._behaviours.pop(key)
        return NORMAL

    def behaviours(self) -> list[tuple[str, Behaviour]]:
        with self._lock:
            return list(self._behaviours.items())

    def open_session(self, request: SenceRequest, *, another: bool = False) -> str:
        """The IdSesionSence of an opening: the same if the student logs in twice."""
        with self._lock:
            if request.session_id and not another:
                return request.session_id
            session_id = f"{SESSION_PREFIX}{self._boot}-{secrets.token_hex(8)}"
            session = IssuedSession(same_run(request.run), chile_now())
            _remember(self._sessions, session_id, session, MAX_SESSIONS)
            request.session_id = request.session_id or session_id
            request.recorded_at = session.opened_at
            return session_id

    def close_session(self, request: SenceRequest) -> bool:
        """Close the session that the request names; False if SENCE would refuse (301).

        An id of an earlier start of the simulator is accepted, because memory did not outlive it.
        """
        session_id = request.fields.get("IdSesionSence", "")
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None and self._is_of_an_earlier_start(session_id):
                request.note = "La sesión es de un arranque anterior del simulador: se acepta."
                session = IssuedSession(same_run(request.run), chile_now())
                _remember(self._sessions, session_id, session, MAX_SESSIONS)
            if session is None or session.run != same_run(request.run):
                return False
            if session.closed_by not in ("", request.id):
                return False
            session.closed_by = request.id
            # The manual gives the time of the opening in the callback of a closing.
            request.recorded_at = session.opened_at
            return True

    def _is_of_an_earlier_start(self, session_id: str) -> bool:
        return session_id.startswith(SESSION_PREFIX) and not session_id.startswith(
            f"{SESSION_PREFIX}{self._boot}-"
        )

    def reset(self) -> None:
        """Forget requests and behaviours; sessions stay, so that open ones can still be closed."""
        with self._lock:
            self._requests.clear()
            self._behaviours.clear()


def _remember(store: "OrderedDict[Key, Value]", key: Key, value: Value, limit: int) -> None:
    store[key] = value
    store.move_to_end(key)
    while len(store) > limit:
        store.popitem(last=False)


@dataclass
class Simulator:
    """What the views share: set once by the server before it listens to anybody."""

    sence_origin: str = ""
    login_origin: str = ""
    registry: Registry | None = None
    memory: Memory = field(default_factory=Memory)


simulator = Simulator()
