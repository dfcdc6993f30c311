"""
Tens of thousands of bad webhooks, and good ones between them, against the real web server: `make fuzz`.

- `bodies` makes them up (from the seed alone) and says what must be answered.
- `wire` speaks HTTP by hand, and badly: wrong lengths, broken chunks, garbage, slow bodies.
- `__main__` starts the server, posts, judges and prints the table. Ends with 1 where a promise is broken.
"""
