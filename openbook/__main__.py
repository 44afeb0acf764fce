"""Run `python -m openbook` as the `openbook` command."""

import sys

from openbook.cli import main

sys.exit(main())
