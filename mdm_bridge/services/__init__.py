"""What a user can ask for: one verb a module, each on its own units of work."""
