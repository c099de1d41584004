"""Verbs of the ``lukou`` command that belong to no other room; each module holds one typer app named ``app``."""
