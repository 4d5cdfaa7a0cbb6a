"""``python -m debgen``."""

import sys

from debgen.cli import main

sys.exit(main())
