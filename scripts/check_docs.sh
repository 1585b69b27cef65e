#!/usr/bin/env bash
# Are the generated reference pages current? It says how to make them so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 scripts/generate_docs.py --check
