"""How loud episodes are, voice by voice, and how they sound before and after: docs/loudness.md, docs/listening.html."""
