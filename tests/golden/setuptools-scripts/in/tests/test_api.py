import pytest
from .testing_utils import offline
