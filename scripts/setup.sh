#!/usr/bin/env bash
# Installs what building and testing need: Debian packages, and a Python
# environment in .venv. Does nothing, quickly, where everything is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
  # The compiler we build on, and the compiler we build with.
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools zlib1g-dev
  clang-22 lld-22 libclang-rt-22-dev libomp-22-dev
  # The build.
  cmake ninja-build ccache git
  # The tests and checks; binutils is for nm.
  libgtest-dev libbenchmark-dev binutils clang-format-22 clang-tidy-22
  # Code for AArch64, linked and run by an emulator (26 MB, 155 MB unpacked).
  qemu-user libc6-dev-arm64-cross libgcc-12-dev-arm64-cross
  # The Python side of the tests.
  python3 python3-venv
)

die() {
  echo "setup: $*" >&2
  exit 1
}

command -v dpkg-query >/dev/null ||
  die "no dpkg here; on another system, install the counterparts of: ${packages[*]}"
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done

if ((${#missing[@]})); then
  echo "setup: installing ${missing[*]}"
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "not root and no sudo; ask an administrator to run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -o Acquire::Retries=3 "$@"
  }
  apt_get update
  # LLVM 22 comes from Debian 12's security suite.
  apt-cache show libmlir-22-dev >/dev/null 2>&1 ||
    die "no package libmlir-22-dev; add 'deb http://deb.debian.org/debian-security bookworm-security main' to the apt sources"
  apt_get install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# The first Python that is new enough and can make environments.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  die "no python3 >= 3.11 with the venv module"
}

# A copy of the requirements says what .venv holds; it is written last.
requirements=python/requirements-test.txt
if ! cmp -s "$requirements" .venv/requirements-test.txt || ! .venv/bin/python -c '' 2>/dev/null; then
  echo "setup: making .venv"
  python=$(find_python)
  "$python" -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --only-binary=:all: -r "$requirements"
  cp "$requirements" .venv/requirements-test.txt
fi
