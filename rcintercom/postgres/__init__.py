"""A Django database backend: `ENGINE = "rcintercom.postgres"` is Django's own, with a pool that survives restarts."""
