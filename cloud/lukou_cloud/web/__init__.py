"""The operator page: server, and the built page under static/."""
