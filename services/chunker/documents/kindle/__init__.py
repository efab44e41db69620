"""Kindle's books (MOBI, AZW3), read from the public descriptions of their formats and made into an EPUB; no DRM."""
