"""Keys that a server makes for itself when the environment names none.

They are made once, kept in one file that only its owner can read, and never printed. Must not import Django:
settings are being read when this runs.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

FILE_NAME = "server-keys.json"
# Where the embedded PostgreSQL keeps what was encrypted with the key, beside the file.
DATABASE_NAME = "postgres"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class ServerKeys:
    """Django's `SECRET_KEY` and one Fernet key; it has no repr, so that neither ends up in a log."""

    secret_key: str
    encryption_key: str


def read_or_make_keys(var_dir: Path) -> ServerKeys:
    """Return the keys kept in `var_dir`, making them on the first call.

    Safe when several processes start at once: the file appears whole, and the first one wins. Warns where they are
    made beside a database that exists.
    Raises OSError where `var_dir` cannot be written, ValueError where the file was damaged.
    """
    path = var_dir / FILE_NAME
    if not path.exists() and _write_once(path) and (var_dir / DATABASE_NAME).exists():
        # Settings are being read, so no log is set up: Python shows a warning on standard error all the same.
        logger.warning(
            "New keys were made in %s, beside a database that is older. What was encrypted before cannot be read with "
            "them. Unless ENCRYPTION_KEYS is set: stop the app, put the old %s in its place, start again.",
            path,
            FILE_NAME,
        )
    kept = json.loads(path.read_text(encoding="utf-8"))
    try:
        return ServerKeys(secret_key=kept["secret_key"], encryption_key=kept["encryption_key"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: restore it from a backup, tokens cannot be read without it.") from error


def _write_once(path: Path) -> bool:
    """Whether the file is of our making."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(50),
        "encryption_key": Fernet.generate_key().decode(),
    }
    # mkstemp makes the file readable by its owner alone.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".server-keys-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        # link() fails where the name exists: a process that was quicker keeps its keys.
        with suppress(FileExistsError):
            os.link(temporary, path)
            return True
    finally:
        Path(temporary).unlink()
    return False
