"""One version against another: which one is better, and what should be done. No I/O."""
