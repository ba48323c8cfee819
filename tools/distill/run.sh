#!/bin/sh
# Makes the table of the built-in embedder, with its model card: see README.md.
#
#   SONA_DATA=<folder> tools/distill/run.sh [arguments of python -m distill]
exec "$(dirname "$0")/python.sh" -m distill "$@"
