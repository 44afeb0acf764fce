#!/bin/sh
# Install what Python packages cannot bring: Pango for layout, fonts, KaTeX. As root on Debian or Ubuntu it is
# done here; elsewhere the line to run is printed.
set -eu
packages="python3-venv libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig poppler-utils fonts-noto-cjk fonts-jetbrains-mono fonts-lxgw-wenkai fonts-katex libjs-katex"
command -v dpkg-query >/dev/null 2>&1 || {
    echo "Besides Python the book needs Pango, fonts and KaTeX. With Homebrew:"
    echo "    brew install pango && brew install --cask font-noto-serif-cjk-sc font-noto-sans-cjk-sc font-jetbrains-mono font-lxgw-wenkai"
    echo "and KATEX_HOME set to a folder with katex.min.js, katex.min.css and fonts/."
    exit 0
}
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
# Any Python with venv will do, wherever it comes from.
python3 -c 'import venv, ensurepip' 2>/dev/null && missing=$(echo "$missing" | sed 's/ python3-venv//')
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    echo "Installing system packages:$missing"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null || {
        echo "apt-get could not install them. Run it by hand to see why: apt-get install$missing" >&2; exit 1; }
else
    echo "The book needs system packages that are not installed. Run:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    echo "then make again." >&2
    exit 1
fi
