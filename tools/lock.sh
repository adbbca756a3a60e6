#!/usr/bin/env bash
# Compiles the lock files from pyproject.toml: hashes for every file, no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links
  --no-emit-trusted-host --no-header --allow-unsafe --no-config)
"${compile[@]}" -o requirements.txt pyproject.toml
"${compile[@]}" --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml
# The emulator lives in an environment of its own: its requirements are not the platform's.
sandbox_in=$(mktemp --suffix=.in)
trap 'rm -f "$sandbox_in"' EXIT
.venv/bin/python - > "$sandbox_in" <<'PYTHON'
import pathlib
import tomllib

project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
print("\n".join(project["optional-dependencies"]["sandbox"]))
PYTHON
"${compile[@]}" --no-annotate -o requirements-sandbox.txt "$sandbox_in"
