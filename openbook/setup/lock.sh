#!/bin/sh
# Rebuild requirements.lock from pyproject.toml: newest allowed versions, with hashes. Usage: lock.sh BIN_FOLDER
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1/python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools
CUSTOM_COMPILE_COMMAND="make lock" "$work/venv/bin/pip-compile" --quiet --upgrade --extra test --all-build-deps --generate-hashes \
    --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
    --output-file requirements.lock pyproject.toml
echo "requirements.lock is rebuilt. Run make, make test, and look at the difference before you commit it."
