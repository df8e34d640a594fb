"""What the tests import. What their processes import is in tests/support."""
