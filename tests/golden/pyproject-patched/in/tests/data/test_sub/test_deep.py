from ..helpers import x
