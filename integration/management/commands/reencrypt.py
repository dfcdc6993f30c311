"""`reencrypt`: puts every stored secret under the newest key, so that an old key can be taken away."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from integration.management.base import AppCommand
from integration.models.reencryption import Renewal, stored_secrets


class Command(AppCommand):
    """Says how many secrets it stored anew, and which it cannot read; shows none."""

    help = (
        "Encrypt every stored secret with the first key of ENCRYPTION_KEYS. Can be run at any time, and again. "
        "Ends with an error where a secret cannot be read with any of the keys."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError that names what cannot be read; everything else has been done by then."""
        counts: Counter[Renewal] = Counter()
        unreadable: list[str] = []
        for secret in stored_secrets():
            outcome = secret.renew()
            counts[outcome] += 1
            if outcome is Renewal.UNREADABLE:
                unreadable.append(f"  the {secret.name} of {secret.owner}")
        self.stdout.write(
            f"Encrypted anew with the newest key: {counts[Renewal.RENEWED]}. "
            f"Had it already: {counts[Renewal.CURRENT]}. Cannot be read: {counts[Renewal.UNREADABLE]}."
        )
        if unreadable:
            raise CommandError(
                "These secrets were left as they are, because none of this server's keys fits:\n"
                + "\n".join(unreadable)
                + "\nAdd the key they were encrypted with to ENCRYPTION_KEYS and run this again, or enter them anew."
            )
