"""`python -m core`: the command line."""

import sys

try:
    from core.cli import main

    main()
except KeyboardInterrupt:  # also while modules are imported
    sys.exit(130)
