#!/usr/bin/env bash
# Configures and builds. Usage: build.sh [preset] [ninja arguments...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
(($# == 0)) || shift
# Only the first time, and quiet unless it fails: ninja configures again by
# itself when a CMakeLists.txt changes.
if [[ ! -f build/$preset/build.ninja ]]; then
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log" 2>&1 || {
    cat "build/$preset/configure.log" >&2
    # What was found, or wasn't, isn't to be remembered: setup.sh may bring it.
    rm -rf "build/$preset/CMakeCache.txt" "build/$preset/CMakeFiles"
    exit 1
  }
fi
exec ninja -C "build/$preset" "$@"
