from ._quick import total
