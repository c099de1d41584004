"""Generated from the schema by messages/generate.py."""
