"""What RevenueCat says: its events, its signature, its samples. Must import neither Django nor the rest of the app."""
