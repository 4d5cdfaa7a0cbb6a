import unittest

import tiny_clock
