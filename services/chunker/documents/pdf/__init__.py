"""Born-digital PDFs: a page has only glyphs at places, so words, lines, columns and headings are found by measuring."""
