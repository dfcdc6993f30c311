"""A Django database backend that brings its own PostgreSQL: `ENGINE = "rcintercom.embedded_postgres"`.

`base.py` is what Django loads, `server.py` what every process does that needs the server, `guardian.py` the one
process that runs it, `layout.py` where everything lies. Nothing here starts by being imported.
"""
