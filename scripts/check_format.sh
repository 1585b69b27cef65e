#!/usr/bin/env bash
# Are all tracked C and C++ files formatted? With --fix: formats them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
[[ ${1:-} == --fix ]] && mode=(-i)
git ls-files -z '*.cpp' '*.c' '*.h' | xargs -0 clang-format-22 "${mode[@]}"
