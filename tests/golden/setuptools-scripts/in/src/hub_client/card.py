"""For example ``license: mit``."""
