"""Where RevenueCat is asked and rows are written: names of products, and how subscriptions stand. Drains do not see it.

No transaction is open during HTTP here either.
"""
