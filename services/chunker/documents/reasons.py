"""Why something is not spoken, in words for whoever looks at the list of omissions."""

from typing import Final

CODE: Final = "code is written to be read, not heard"
QUOTE: Final = "the job leaves out quotations"
TABLE: Final = "a table read aloud cannot be followed"
CAPTION: Final = "it belongs to a picture, a table or a piece of code that is not spoken"
FOOTNOTE: Final = "footnotes and their marks interrupt the text"
CONTENTS: Final = "a table of contents is for turning pages"
NAVIGATION: Final = "links to other pages are for turning pages"
RAW: Final = "raw markup, not words"
IMAGE: Final = "a picture cannot be heard"
MATH: Final = "formulas are markup, not words"
DIRECTIVE = "it is for the tool that builds the document, or leads to another file"
