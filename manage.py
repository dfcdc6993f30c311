#!/usr/bin/env python
"""Runs Django's management commands; `python manage.py help` lists them."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command named on the command line against `rcintercom.settings`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rcintercom.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
