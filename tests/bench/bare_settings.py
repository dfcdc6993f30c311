"""The app's own settings, with nothing behind the middleware but the bare view (tests/bench/bare_door.py)."""

from rcintercom.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare_door"
