"""The door: RevenueCat's webhooks come in, are stored, and are answered. It never maps and never sends."""
