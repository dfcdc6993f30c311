"""How people get into the admin: password, second factor, lock-out. What they see there is not known here.

Apart from `integration.admin`, because Django makes the site before it imports what is registered there.
"""
