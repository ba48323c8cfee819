"""Distils all-MiniLM-L6-v2 into a static table of token vectors."""
