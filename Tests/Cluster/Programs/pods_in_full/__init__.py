"""What pods may ask of their node beyond what conformance tests."""
