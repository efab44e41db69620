"""Web pages: the article or the chapter of a manual in a page, and what of the page is left out."""
