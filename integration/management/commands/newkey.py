"""`newkey`: a key for ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Prints a new Fernet key."""

    help = "Print a new key for ENCRYPTION_KEYS. Put it first in the list to encrypt with it from then on."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it, and keep nothing."""
        self.stdout.write(Fernet.generate_key().decode())
