"""The corpus: documents that no one here wrote, and what is right about them.

Nothing of them is in this repository. `golden/*.toml` names each by package and path, and says what a good reader makes
of it; `make corpus` fetches them, reads each as the chunker would, and writes docs/corpus.md.
"""
