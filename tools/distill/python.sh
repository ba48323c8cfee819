#!/bin/sh
# Python with what the distiller needs, installed in target/distill the first time: tools/distill/python.sh ARGUMENTS
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../target/distill/venv"
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/installed.txt"
fi
export HF_HUB_OFFLINE=1 PYTHONPATH="$here"
exec "$venv/bin/python" "$@"
