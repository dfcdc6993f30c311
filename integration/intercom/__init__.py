"""What Intercom hears, and how: messages, HTTP calls, errors. Must import neither Django nor the rest of the app."""
