"""The Django project: settings, URLs, the server entry points and the embedded database."""
