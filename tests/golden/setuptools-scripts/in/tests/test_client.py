import importlib_metadata
import jedi
import pytest

SERVER = 'http://127.0.0.1:8000'
