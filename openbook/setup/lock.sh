#!/bin/sh
# Rebuild requirements.lock from pyproject.toml: newest allowed versions, with hashes. Usage: lock.sh BIN_FOLDER
# Run it with the oldest Python we support (Debian 12's 3.11.2): a newer one may pick releases that the oldest cannot install.
set -eu
"$1/python" - <<'CHECK' || exit 1
import sys
if sys.version_info[:2] != (3, 11) or sys.version_info.micro > 4:
    sys.exit("make lock needs Python 3.11.2, as in Debian 12, so that everyone can install what it picks. "
             "Run it in a Debian 12 container, or with PYTHON=/path/to/python3.11 in a fresh clone.")
CHECK
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1/python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools
CUSTOM_COMPILE_COMMAND="make lock" "$work/venv/bin/pip-compile" --quiet --upgrade --extra test --all-build-deps --generate-hashes \
    --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
    --output-file requirements.lock pyproject.toml
echo "requirements.lock is rebuilt. Run make, make test, and look at the difference before you commit it."
