"""Plain text as people write it: what its lines look like says what they are."""
