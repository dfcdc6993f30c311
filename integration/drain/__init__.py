"""Sends what is due for one project: the one place where rows, core and network meet.

`loop` runs it, `claim` takes deliveries and writes down what is about to be tried, `attempt` tries it in a
thread without the database, `settle` writes down what became of it. Nothing is decided here: mapping
plans and retry.py judges.
"""

from integration.drain.loop import drain

__all__ = ["drain"]
