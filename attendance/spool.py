"""SENCE's answers on disk while the database is away: one fsynced file each, applied once."""

import base64
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings

SUFFIX = ".json"


@dataclass(frozen=True)
class Receipt:
    """A POST as it reached a callback URL, token aside: what `SenceCallback` keeps."""

    received_at: datetime
    public_id: uuid.UUID
    phase: str
    announces_error: bool
    body: bytes
    body_length: int
    content_type: str
    origin: str
    receipt_id: uuid.UUID = field(default_factory=uuid.uuid4)


def put(receipt: Receipt) -> Path:
    """Write the receipt so that it survives a crash from here on. Raises OSError if it can't."""
    folder = settings.SPOOL_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{receipt.received_at.timestamp():020.6f}_{receipt.public_id}_{receipt.receipt_id}"
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False) as file:
        try:
            json.dump(_to_json(receipt), file)
            file.flush()
            os.fsync(file.fileno())
            final = Path(file.name).rename(folder / (name + SUFFIX))
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    _sync_folder(folder)
    return final


def entries(public_id: uuid.UUID | None = None) -> Iterator[Path]:
    """Yield the spooled files, oldest first; with `public_id`, that session's alone."""
    pattern = f"*_{public_id}_*{SUFFIX}" if public_id else f"*{SUFFIX}"
    yield from sorted(settings.SPOOL_DIR.glob(pattern))


def read(path: Path) -> Receipt:
    """Return the receipt in a spooled file. Raises OSError or ValueError where it can't be read."""
    data = json.loads(path.read_text())
    try:
        return Receipt(
            **data
            | {
                "received_at": datetime.fromisoformat(data["received_at"]),
                "public_id": uuid.UUID(data["public_id"]),
                "receipt_id": uuid.UUID(data["receipt_id"]),
                "body": base64.b64decode(data["body"]),
            }
        )
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError("The file holds no receipt.") from error


def _to_json(receipt: Receipt) -> dict:
    return asdict(receipt) | {
        "received_at": receipt.received_at.isoformat(),
        "public_id": str(receipt.public_id),
        "receipt_id": str(receipt.receipt_id),
        "body": base64.b64encode(receipt.body).decode(),
    }


def _sync_folder(folder: Path) -> None:
    # Without this the rename itself may not survive a power cut. Windows can't open a folder.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
