"""Values that are no numbers as a few numbers that describe them: texts, images, embeddings.

A watch, a baseline and a comparison can be told that a feature is such a value, as in
``extractors={"review": "text"}``: the feature is then replaced by its descriptors, `review.length`
and so on, and its value is neither kept nor sent.

==============  ==================================================================================
``"text"``      length, words, uppercase_share, digit_share, non_ascii_share
``"image"``     width, height, channels, mean, std, bytes
``"embedding"`` size, norm, mean, std, minimum, maximum
==============  ==================================================================================

`register` adds one of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwatch.lazy import loading

if TYPE_CHECKING:
    from modelwatch.extractors.registry import register, registered, unregister

__all__ = ["register", "registered", "unregister"]

# The table of extractors is loaded by who has one, as most services have none.
__getattr__ = loading(__name__, dict.fromkeys(__all__, "registry"))
