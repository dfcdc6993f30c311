"""The admin as people meet it: in a real browser, with its scripts, styles, keyboard and rules."""
