#!/bin/sh
# Rebuild requirements.lock, install it, build the book again, and say what that changes. Usage: update.sh BIN_FOLDER
set -eu
pins() { sed -n 's/^\([A-Za-z0-9._-]*==[^ ;\\]*\).*/\1/p' "$1" | sort; }
mkdir -p .cache
cp requirements.lock .cache/old.lock
"$1/python" -m openbook snapshot .cache/old.json
sh openbook/setup/lock.sh "$1"
echo
echo "Packages (< before, > now):"
pins .cache/old.lock > .cache/old.pins
pins requirements.lock > .cache/new.pins
diff .cache/old.pins .cache/new.pins | grep '^[<>]' || echo "None has changed."
echo
"${MAKE:-make}" --no-print-directory all || {
    echo "The book cannot be built with these packages. To go back: git checkout requirements.lock && make" >&2
    exit 1
}
"$1/python" -m openbook snapshot .cache/new.json
echo
"$1/python" -m openbook compare .cache/old.json .cache/new.json
echo
echo "If that is as it should be, run make test, look at a few pages, and commit requirements.lock."
