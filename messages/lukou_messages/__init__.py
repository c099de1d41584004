"""Lukou's messages: schema, topics, codec, transport, recording, clock and process shell."""
