"""The tiny clock"""
__version__ = "0.3"
