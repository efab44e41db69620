"""How a text is said: numbers, dates, units, abbreviations, addresses. Pure; `saying` is the port."""
