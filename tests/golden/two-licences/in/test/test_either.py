import unittest

import either
