#!/bin/sh
# Makes the table of the built-in embedder, with its model card: see README.md.
#
#   SONA_DATA=<folder> tools/distill/run.sh [arguments of python -m distill]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work="$here/../../target/distill"
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
fi
export HF_HUB_OFFLINE=1 PYTHONPATH="$here" PYTHONHASHSEED=0
exec "$work/venv/bin/python" -m distill "$@"
