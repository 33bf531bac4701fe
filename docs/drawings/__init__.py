"""The book's pictures, made by code: `{picture} NAME` in a chapter draws the function of that name.

All are 460 units wide, so that their letters can be read on a phone, and take their colours from the page (book.css). What a
picture says is said again in words below it. To add one, write a function with `@picture` in a file of this folder.
"""

from drawings import calls, file, life, machine, table
from drawings.svg import PICTURES, Picture

__all__ = ["PICTURES", "Picture", "calls", "file", "life", "machine", "table"]
