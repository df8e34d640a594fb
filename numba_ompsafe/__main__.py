"""``python -m numba_ompsafe``: the command ``numba-ompsafe``."""

import sys

from numba_ompsafe._command import main

sys.exit(main())
