"""Backup and restore of the store: to a folder, and from it into an empty store.

A backup folder:

    index.sqlite     key → size, tag and SHA-256 of every object of the last complete backup; replaced by a rename
    next.sqlite      the same for the one that is being made; an interrupted one is continued
    objects/ab/ab…   the contents, named by their SHA-256; written once, never changed

So the last complete backup can be restored at any moment, also while the next one is made or after that was killed. The
broker is not backed up: what is in its queues follows from the store (`docs/operations.md`).
"""
