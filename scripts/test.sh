#!/usr/bin/env bash
# Sets up, builds, and runs every test and check. The last line is
# "N passed, N failed, N skipped"; the exit status is 0 if nothing failed.
# Usage: test.sh [preset]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}

bash scripts/setup.sh || exit 1
bash scripts/build.sh "$preset" || exit 1

build=$PWD/build/$preset
python=$PWD/.venv/bin/python
export SQ_PYTHON=$python SQ_BUILD_DIR=$build
export SQ_DATA_DIR=${SQ_DATA_DIR:-$PWD/../shared/data}
[[ -d $SQ_DATA_DIR ]] ||
  echo "SKIP: no trained weights in $SQ_DATA_DIR (set SQ_DATA_DIR); the tests that read them are skipped"

# libMLIR.so is not instrumented: it doesn't mark what its allocators hand out,
# and what our code marks would be reported.
export ASAN_OPTIONS=allow_user_poisoning=0

results=$build/test-results
rm -rf "$results"
mkdir -p "$results/gtest"

# A suite writes its counts as JUnit XML; its log shows only if it fails.
suite() {
  local name=$1
  shift
  echo "== $name"
  "$@" >"$results/$name.log" 2>&1
  local status=$?
  echo "$name $status" >>"$results/status"
  ((status == 0)) || cat "$results/$name.log"
}
# A check is one test: it passes or fails.
check() {
  echo "== $1"
  "${@:2}"
  echo "$1 $?" >>"$results/checks"
}

GTEST_OUTPUT=xml:$results/gtest/ suite unit ctest --test-dir "$build" \
  --output-on-failure --output-junit "$results/unit.xml" -j "$(nproc)"
suite lit /usr/lib/llvm-22/bin/lit -sv --xunit-xml-output "$results/lit.xml" "$build/test"
# A sanitized library wants its runtime in the process first; Python's own leaks
# are not ours.
pytest_environment=()
if grep -q '^SQ_SANITIZE:STRING=.*address' "$build/CMakeCache.txt"; then
  pytest_environment=(
    "LD_PRELOAD=$(clang-22 -print-file-name=libclang_rt.asan-"$(uname -m)".so)"
    "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0")
fi
# A file's tests stay on one process: they share what they compile.
suite pytest env "${pytest_environment[@]}" \
  "$python" -m pytest -q -n "$(nproc)" --dist loadfile \
  --junitxml "$results/pytest.xml" test python

# Every scripts/check_* is one.
for script in scripts/check_*; do
  case $script in
    *.py) check "$(basename "$script")" "$python" "$script" ;;
    *) check "$(basename "$script")" bash "$script" ;;
  esac
done

exec "$python" scripts/summarize_tests.py "$results"
