"""The admin, through Django's test client: real rows, a real PostgreSQL, and a real HTTP stand-in for Intercom."""
