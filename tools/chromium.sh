#!/usr/bin/env bash
# Makes sure of a Chromium for the browser tests. Silent where there is one; nothing else is ever installed.
# Found by LANDFALL_CHROMIUM, else on PATH by one of its usual names.
set -euo pipefail

if [ -n "${LANDFALL_CHROMIUM:-}" ]; then
  command -v "$LANDFALL_CHROMIUM" >/dev/null && exit 0
  echo "LANDFALL_CHROMIUM names no program: $LANDFALL_CHROMIUM" >&2
  exit 3
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  command -v "$name" >/dev/null && exit 0
done
[ ! -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || exit 0

missing() {
  cat >&2 <<'MESSAGE'
The browser tests of the run report need Chromium or Chrome, and none was found.
Install it, for example: sudo apt-get install chromium · sudo dnf install chromium · brew install --cask google-chrome
or name it: make test LANDFALL_CHROMIUM=/path/to/chromium
MESSAGE
  exit 3
}

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then missing; fi
echo "landfall: installing chromium with apt-get, for the browser tests (once; about a minute)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  missing
fi
