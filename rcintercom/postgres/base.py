"""Django's PostgreSQL backend, whose pool hands out no connection that died while it lay there.

`CONN_HEALTH_CHECKS` stays off: psycopg_pool's own check waits a second after the first dead connection and twice as
long after each further one, so that after a restart of PostgreSQL a full pool is a request that waits in vain
(seen with psycopg_pool 3.3.3). A dead connection makes the pool smaller; there is nothing to wait for.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with a look at what the pool gives."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """Return a connection that works, from the pool where there is one; raises OperationalError where none does."""
        connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        if not self.pool:
            return connection
        # Each one may be dead, and so may one that was made meanwhile.
        for _ in range(self.pool.max_size + 1):
            if is_alive(connection):
                break
            # The pool throws it away, and has another one made in the background.
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Ask the server nothing, and see whether it answers."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
