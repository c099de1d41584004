"""The demo: everything as separate processes, watched, restarted and measured."""
