import hypothesis
import pytest
from .helpers import *

import partials
