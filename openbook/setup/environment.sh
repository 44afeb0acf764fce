#!/bin/sh
# Install what the book needs, Python packages into a folder; finish what was interrupted. Usage: environment.sh FOLDER PYTHON
# The file .ready in the folder says that all is installed; it is written last.
set -eu
venv=$1 python=$2
ready() { [ -e "$venv/.ready" ] && [ ! requirements.lock -nt "$venv/.ready" ] && [ ! pyproject.toml -nt "$venv/.ready" ]; }
# A second make in this folder waits, and then finds the work done.
if command -v flock >/dev/null 2>&1; then
    mkdir -p .cache
    exec 9>.cache/setup.lock
    flock -n 9 || { echo "Another make is setting this folder up: waiting until it ends ..."; flock 9; }
    ! ready || exit 0
fi
sh openbook/setup/system.sh
# A folder that was left half made has a Python, but no pip yet.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "The book needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Name another one: make PYTHON=python3.11" >&2; exit 1; }
    echo "Making $venv ..."
    "$python" -m venv --clear "$venv"
}
echo "Installing the locked Python packages ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch "$venv/.ready"
