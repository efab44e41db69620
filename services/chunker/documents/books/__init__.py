"""EPUB: opened leniently, as readers of books do, and written anew for pandoc; what was repaired is said."""
