"""
The pictures of README, taken of the demo as anybody can start it: `make screenshots`.

A picture is a page, a window and what to do before it is taken, in `pictures.py`; each is taken in light and in dark.
"""
