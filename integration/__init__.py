"""The app: RevenueCat webhooks in, Intercom contacts and data events out, every attempt logged."""
