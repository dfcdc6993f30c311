"""The kinds of data event that Intercom can be told of. Pure: no clock, no database, no network."""

from __future__ import annotations

from integration.event_types.catalogue import BY_TYPE, CATALOGUE, event_type_of
from integration.event_types.kinds import CatalogueRow, EventType

__all__ = ["BY_TYPE", "CATALOGUE", "CatalogueRow", "EventType", "event_type_of"]
