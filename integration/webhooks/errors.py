"""The door's refusals that DRF has no class for."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException


class BodyTooLarge(APIException):
    """413: the body is larger than any event RevenueCat sends."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 1 MiB."
    default_code = "body_too_large"


class DatabaseAway(APIException):
    """503: nothing can be stored at the moment; whoever sends must send again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The event could not be stored: the database does not answer. Send it again."
    default_code = "database_away"
