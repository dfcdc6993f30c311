"""The filters of the list of deliveries alone. What each one means is `integration.models.log_filter`'s to say."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integration.admin.display import EVENT_LABELS
from integration.admin.filters import Dropdown
from integration.admin.log_words import STATE_LABELS, STORE_NAMES, answer_words, reason_words, store_words
from integration.mapping import SkipReason, WaitReason
from integration.models.log_filter import NO_ANSWER, NO_DATA_EVENT, STATES, of_event_type, with_answer

ANSWERS = ("4xx", "5xx", "400", "401", "402", "403", "404", "409", "410", "422", "429", "500", "502", "503", "504")


class StateFilter(Dropdown):
    """By what a status alone does not tell."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """As the list names them."""
        return list(STATE_LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Deliveries in that state."""
        return queryset.filter(STATES[str(self.value())]) if self.value() in STATES else queryset


class EventTypeFilter(Dropdown):
    """By the event type that Intercom is told of."""

    title = _("event type")
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The catalogue, in its order."""
        return [*EVENT_LABELS.items(), (NO_DATA_EVENT, _("None of these"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Deliveries of that event type."""
        return queryset.filter(of_event_type(str(self.value()))) if self.value() else queryset


class ReasonFilter(Dropdown):
    """By the reason for which nothing was sent, or is sent yet."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Every reason there is: those for skipping, then those for waiting."""
        return [(str(reason), reason_words(str(reason))) for reason in (*SkipReason, *WaitReason)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Deliveries skipped for that reason, or waiting for it."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


class StoreFilter(Dropdown):
    """By the store of the purchase."""

    title = _("store")
    parameter_name = "store"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Those that RevenueCat is known to name."""
        return [(store, store_words(store)) for store in STORE_NAMES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What was bought there."""
        return queryset.filter(store=self.value()) if self.value() else queryset


class AnswerFilter(Dropdown):
    """By what Intercom answered last, where it was no plain yes."""

    title = _("Intercom's last answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Classes of statuses, and those that tell something by themselves."""
        return [(value, answer_words(value)) for value in (*ANSWERS, NO_ANSWER)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Deliveries whose newest try ended so."""
        return queryset.filter(with_answer(str(self.value()))) if self.value() else queryset
