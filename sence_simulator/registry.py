"""What SENCE knows of OTECs and actions, from a JSON file (its format is in README.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sence_simulator.checks import NOT_VERIFIED
from sence_simulator.protocol import same_run


class BadRegistryError(Exception):
    """The file can't be read or doesn't have the documented shape; the message is for the user."""


@dataclass(frozen=True)
class Action:
    code: str
    sence_code: str
    line: str
    otec: str
    starts_on: date
    ends_on: date
    modality: str
    state: str
    runs: frozenset[str]


@dataclass(frozen=True)
class Registry:
    token_owners: Mapping[str, str]
    revoked_tokens: frozenset[str]
    actions: Mapping[str, Action]

    def codes(self, fields: Mapping[str, str], today: date) -> list[str]:
        """SENCE's codes for fields that contradict what it knows; `today` is Chile's date."""
        return [*self._token_codes(fields), *self._action_codes(fields, today)]

    def _token_codes(self, fields: Mapping[str, str]) -> list[str]:
        token = fields.get("Token", "").lower()
        if token not in self.token_owners:
            return ["303"]
        failed = {
            "211": self.token_owners[token] != same_run(fields.get("RutOtec", "")),
            "212": token in self.revoked_tokens,
        }
        return [code for code, has_failed in failed.items() if has_failed]

    def _action_codes(self, fields: Mapping[str, str], today: date) -> list[str]:
        if fields.get("CodigoCurso") == NOT_VERIFIED:
            return []
        action = self.actions.get(fields.get("CodigoCurso", ""))
        if action is None:
            return ["205"]
        failed = {
            "208": same_run(fields.get("RunAlumno", "")) not in action.runs,
            "301": fields.get("LineaCapacitacion") != action.line,
            "306": fields.get("CodSence", "") not in (action.sence_code, NOT_VERIFIED),
            "307": action.modality != "e-learning",
            "308": same_run(fields.get("RutOtec", "")) != action.otec,
            "309": not action.starts_on <= today <= action.ends_on,
            "310": action.state != "active",
        }
        return [code for code, has_failed in failed.items() if has_failed]


def load_registry(path: Path) -> Registry:
    """Read the registry file; raises BadRegistryError with a sentence in Spanish."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _registry(content)
    except OSError as error:
        raise BadRegistryError(f"No se puede leer el registro {path}: {error.strerror}.") from error
    except KeyError as error:
        raise BadRegistryError(f"Al registro {path} le falta el dato {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadRegistryError(
            f"El registro {path} no tiene la forma que describe el README del simulador."
        ) from error


def _registry(content: dict[str, Any]) -> Registry:
    owners: dict[str, str] = {}
    revoked: set[str] = set()
    for otec in content["otecs"]:
        revoked_here = [token.lower() for token in otec.get("revoked_tokens", [])]
        revoked.update(revoked_here)
        for token in [*otec["tokens"], *revoked_here]:
            owners[token.lower()] = same_run(otec["rut"])
    actions = {data["code"]: _action(data) for data in content["actions"]}
    return Registry(owners, frozenset(revoked), actions)


def _action(data: dict[str, Any]) -> Action:
    return Action(
        code=data["code"],
        sence_code=data["sence_code"],
        line=str(data["line"]),
        otec=same_run(data["otec"]),
        starts_on=date.fromisoformat(data["starts_on"]),
        ends_on=date.fromisoformat(data["ends_on"]),
        modality=data.get("modality", "e-learning"),
        state=data.get("state", "active"),
        runs=frozenset(same_run(run) for run in data["runs"]),
    )
