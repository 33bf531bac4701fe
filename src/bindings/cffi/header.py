"""What cffi reads of hashtable.h: the header itself, without the lines that are for the preprocessor alone."""

import os
import re

_HERE = os.path.dirname(os.path.abspath(__file__))


def declarations():
    """The header's declarations."""
    with open(os.path.join(_HERE, "hashtable.h"), encoding="utf-8") as header:
        text = re.sub(r"#ifdef __cplusplus.*?#endif[^\n]*", "", header.read(), flags=re.DOTALL)
    return re.sub(r"^#(?!define HT_\w+ \d+$).*", "", text, flags=re.MULTILINE)
