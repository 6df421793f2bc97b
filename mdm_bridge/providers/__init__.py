"""Adapters to distant servers, one a product; what a product cannot do is a declared capability."""
