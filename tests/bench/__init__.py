"""
How fast the app is, on real processes: `make bench`.

Every rate stands beside that of something bare, measured in turn with it in the same run, so that the ratio says
something on any machine. A table names what was promised and what was measured; a broken promise is an exit code.
"""
