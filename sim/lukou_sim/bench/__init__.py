"""Benchmarks: figures that anyone can repeat, each measured beside what it is compared with."""
