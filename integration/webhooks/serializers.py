"""What a webhook must have to be stored: an event with an id and a type. Everything else is optional."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

LONGEST_NAME = 255


class StrictCharField(serializers.CharField):
    """A text that is a text: a number is refused instead of turned into one."""

    def to_internal_value(self, data: Any) -> str:
        """The text as sent, without surrounding space. Raises ValidationError for any other JSON type."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class EventSerializer(serializers.Serializer[Any]):
    """The `event` object: RevenueCat's id and type."""

    id = StrictCharField(max_length=LONGEST_NAME)
    type = StrictCharField(max_length=LONGEST_NAME)


class EnvelopeSerializer(serializers.Serializer[Any]):
    """The body of a webhook."""

    event = EventSerializer()
