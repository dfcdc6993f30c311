"""`forget APP_USER_ID`: erases everything that is kept of a customer, after saying what that is."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.models.forgetting import NOTHING, CustomerBusyError, Erased, Person

logger = logging.getLogger(__name__)

# An attempt holds a customer for 45 seconds at most; one that follows at once may begin another.
WAIT_SECONDS = 120.0
LOOK_SECONDS = 1.0
MOST_IDS_SHOWN = 20


class Command(AppCommand):
    """Asks before it erases; waits while a delivery of the customer is being sent."""

    help = (
        "Erase all that is kept of a customer: webhooks with their payloads, deliveries, attempts, and the customer. "
        "It cannot be undone. What Intercom and RevenueCat know stays there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, where, and whether to ask."""
        parser.add_argument("app_user_id", metavar="APP_USER_ID", help="any of the customer's ids, also an alias")
        parser.add_argument("--project", metavar="ID|NAME", help="needed where there is more than one project")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where nothing is known of the customer, where the answer is no, or it stays busy."""
        person = Person.find(chosen_project(options["project"]), options["app_user_id"])
        known = person.known()
        if known == NOTHING:
            raise CommandError(f"The project “{person.project}” knows nobody with this App User ID.")
        self._say_what(person, known)
        if not options["yes"] and not agreed():
            raise CommandError("Nothing was erased.")
        erased = self._forget(person)
        # The audit trail wants a user for who did it, and here is none. It names nobody either.
        logger.info("a customer of project %s was forgotten with manage.py forget: %s", person.project.pk, erased)
        self.stdout.write(f"Erased: {erased}.")

    def _say_what(self, person: Person, known: Erased) -> None:
        shown = ", ".join(sorted(person.ids)[:MOST_IDS_SHOWN])
        more = f", and {len(person.ids) - MOST_IDS_SHOWN} more" if len(person.ids) > MOST_IDS_SHOWN else ""
        self.stdout.write(f"Ids of this person in “{person.project}”: {shown}{more}")
        self.stdout.write(f"Kept of them: {known}")
        if namesakes := person.namesakes():
            self.stdout.write(f"Other customers with the same email address, who stay: {namesakes}")

    def _forget(self, person: Person) -> Erased:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return person.forget(timezone.now())
            except CustomerBusyError as error:
                if time.monotonic() >= deadline:
                    raise CommandError(str(error)) from error
                time.sleep(LOOK_SECONDS)


def agreed() -> bool:
    """What whoever sits at the terminal says; no, where nobody does."""
    try:
        return input("Erase all of it? It cannot be undone. [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
