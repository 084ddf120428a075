"""One rule a file; a new one is found by itself."""
