"""Sets of filters of the log that somebody has given a name, for themselves or for everybody who sees the log."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

# More than anybody reads, of one person.
MOST_SAVED = 50


class SavedLinkQuerySet(models.QuerySet["SavedLink"]):
    """Whose they are."""

    def seen_by(self, user_id: int) -> SavedLinkQuerySet:
        """One's own, and those that are shared."""
        return self.filter(Q(owner=user_id) | Q(shared=True))


class SavedLink(models.Model):
    """A name for what the log is filtered by. It names no customer: a search is not kept."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_links")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)
    # The project that it is about: a shared link is for those who see it.
    project = models.ForeignKey(
        "integration.Project", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    shared = models.BooleanField(default=False)

    objects = SavedLinkQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        # Who may see the log may keep links to it.
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="one_saved_link_of_a_name"),)

    def __str__(self) -> str:
        return self.name
