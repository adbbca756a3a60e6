#!/usr/bin/env bash
# Makes .venv from a hash-pinned lock file: tools/bootstrap.sh requirements.txt | requirements-dev.txt
# A second run with the same lock is a no-op. Nothing is installed outside this folder.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=${1:-requirements.txt}

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3 python3.14 python3.12 python3 python \
    "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python3 /opt/homebrew/bin/python3 /usr/local/bin/python3; do
    [ -n "$candidate" ] && usable "$candidate" && { echo "$candidate"; return; }
  done
  cat >&2 <<'MESSAGE'
Landfall needs Python 3.12 or later, and none was found (tried python3.12 to python3.14, python3, and pyenv).
Install it, for example: apt-get install python3.13 · brew install python@3.13 · pyenv install 3.13
or name it: make demo PYTHON=/path/to/python3.13
MESSAGE
  exit 3
}

if [ ! -x .venv/bin/python ] || ! usable .venv/bin/python; then
  python=$(find_python)
  echo "landfall: creating .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv
fi

wanted=$(cat requirements.txt "$lock" | sha256sum | cut -d' ' -f1)
stamp=.venv/.landfall-${lock%.txt}
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
  echo "landfall: installing $lock (once; about a minute)"
  SECONDS=0
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  echo "$wanted" > "$stamp"
  echo "landfall: installed in ${SECONDS} s"
fi

# The package runs from this tree: a path file and an entry script do what an editable install would.
if [ ! -x .venv/bin/landfall ] || ! grep -qF "$PWD/.venv" .venv/bin/landfall; then
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$PWD" > "$site/landfall-tree.pth"
  cat > .venv/bin/landfall <<SCRIPT
#!$PWD/.venv/bin/python
import sys

from landfall.cli.main import main

sys.exit(main())
SCRIPT
  chmod +x .venv/bin/landfall
fi
