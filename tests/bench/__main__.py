"""
`python -m tests.bench`: every part in turn, a table, and a code other than 0 when a promise was broken.

`--only PART` measures that part alone; `--quick` is for trying the bench itself out, and its figures prove nothing.
Makes everything ready and becomes `tests.bench.run`, which needs the settings of a place of its own.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("door", "drain", "rate_limit", "latency", "queries", "memory", "growth", "admin")
CODE = "import sys, django; django.setup(); from tests.bench.run import main; sys.exit(main(sys.argv[1:]))"
# What the measured app must not inherit: it has a database, keys and addresses of its own.
NOT_INHERITED = frozenset({
    "SECRET_KEY", "ENCRYPTION_KEYS", "INTERCOM_API_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "HTTPS", "BIND_ADDRESS", "PORT",
    "GUNICORN_CMD_ARGS", "DEBUG",
})  # fmt: skip
BUSY = 2


def main() -> int:
    """Returns only where another bench is running there."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast the app is.")
    parser.add_argument("--only", action="append", choices=NAMES, help="one part; may be given several times")
    parser.add_argument("--quick", action="store_true", help="short rounds and small numbers, which prove nothing")
    parser.add_argument("--everything", action="store_true", help="projects with every option on")
    options = parser.parse_args()
    var_dir = Path(os.environ.get("VAR_DIR") or ROOT / "var" / "bench").resolve()
    var_dir.mkdir(parents=True, exist_ok=True)
    # Held until the end by whoever this process becomes.
    lock = os.open(var_dir / "bench.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"Another bench is running in {var_dir}.\n")
        return BUSY
    # A directory of our own making inside: whatever VAR_DIR names, it is not what is thrown away.
    run_dir = var_dir / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir()
    env = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    env |= {"DJANGO_SETTINGS_MODULE": "rcintercom.settings", "DATABASE_URL": "", "VAR_DIR": str(run_dir)}
    os.chdir(ROOT)
    arguments = [*(options.only or NAMES), *(["--quick"] if options.quick else [])]
    arguments += ["--everything"] if options.everything else []
    os.execve(sys.executable, [sys.executable, "-c", CODE, *arguments], env)
    raise AssertionError("this process has become another one")


if __name__ == "__main__":
    sys.exit(main())
