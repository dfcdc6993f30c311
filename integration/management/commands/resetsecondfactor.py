"""`resetsecondfactor NAME`: removes somebody's second factor; for the last superuser, whom nobody else can help."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from integration.management.base import AppCommand
from integration.models import SecondFactor


class Command(AppCommand):
    """Whoever can run it can change every row anyway."""

    help = (
        "Remove the second factor of a user who has lost their telephone and their recovery codes. They then sign in "
        "with the password alone. Superusers can do the same for others in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        parser.add_argument("username", metavar="NAME", help="the name that they sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where there is no such user, or their second factor is off."""
        name = options["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user “{name}”.")
        with transaction.atomic():
            removed, _ = SecondFactor.objects.filter(user=user).delete()
            if not removed:
                raise CommandError(f"The second factor of “{name}” is off already.")
            # The audit trail wants a user for who did it; what it says is that it was none.
            message, mine = "Second factor removed with manage.py resetsecondfactor.", User.objects.filter(pk=user.pk)
            LogEntry.objects.log_actions(user.pk, mine, CHANGE, message, single_object=True)
        self.stdout.write(f"The second factor of “{name}” is removed.")
