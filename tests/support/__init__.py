"""What the tests stand on: no network, a clock that is set, real databases."""
