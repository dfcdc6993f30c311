"""How RevenueCat is asked for one project. Raises OperatorError, with words for the operator, where it cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests
from django.utils.translation import gettext as _

from integration.models import Project
from integration.models.secrets import SecretUnreadableError
from integration.revenuecat.api import RevenueCatApi
from integration.revenuecat.errors import OperatorError


def api_of(
    project: Project,
    session: requests.Session,
    *,
    seconds: float,
    sleep: Callable[[float], object] = time.sleep,
) -> RevenueCatApi:
    """A client for the project, for so many seconds altogether."""
    try:
        key = project.revenuecat_api_key.reveal()
    except SecretUnreadableError as error:
        raise OperatorError(str(error)) from error
    if not key:
        raise OperatorError(_("No RevenueCat API key is stored. Enter one on the project's page, under RevenueCat."))
    if not project.revenuecat_project:
        raise OperatorError(
            _("The project's page does not say which project this is in RevenueCat: enter the “RevenueCat project id”.")
        )
    return RevenueCatApi(
        session,
        key=key,
        project_id=project.revenuecat_project,
        base_url=project.revenuecat_url,
        seconds=seconds,
        sleep=sleep,
    )
