"""Measures: speed and memory beside the floor, start-up, peers. Not part of the wheel."""
