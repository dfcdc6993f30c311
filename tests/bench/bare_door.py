"""
What the door is measured against: a view of Django REST framework that stores what is posted with one INSERT.

It asks nobody who they are, knows no duplicates and owes nobody anything; server, middleware, settings, database and
pool are the app's (tests/bench/bare_settings.py).
"""

from __future__ import annotations

import json

from django.db import connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

TABLE = "CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, payload jsonb NOT NULL)"
INSERT = "INSERT INTO bench_bare (payload) VALUES (%s::jsonb)"


class BareView(APIView):
    """Parsed by JSONParser, stored in a transaction of its own, answered 200."""

    def post(self, request: Request) -> Response:
        """Store it."""
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [json.dumps(request.data)])
        return Response({"status": "accepted"})


urlpatterns = [path("bare/", BareView.as_view())]
