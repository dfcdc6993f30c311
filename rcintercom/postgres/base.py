"""Django's PostgreSQL backend, whose pool hands out no connection that died while it lay there.

Nor does a client that froze or vanished in the middle of a transaction keep its locks: the server ends it.

`CONN_HEALTH_CHECKS` stays off: psycopg_pool's own check waits a second after the first dead connection and twice as
long after each further one, so that after a restart of PostgreSQL a full pool is a request that waits in vain
(seen with psycopg_pool 3.3.3). A dead connection makes the pool smaller; there is nothing to wait for.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# No transaction here waits for anything but the database; those that do have lost their process or their host.
IDLE_IN_TRANSACTION = "60s"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with a look at what the pool gives."""

    def _configure_connection(self, connection: psycopg.Connection[Any]) -> bool:
        """Set up a new connection, as Django does for itself and for the pool.

        By a statement and not by an option of libpq, because PgBouncer refuses connections that have such options.
        """
        super()._configure_connection(connection)  # type: ignore[misc]
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [IDLE_IN_TRANSACTION])
        # Whether to commit, where it does not happen by itself: a rollback would take the setting back.
        return True

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
