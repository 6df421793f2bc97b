"""The rules, pure: standard library only, frozen dataclasses and functions."""
