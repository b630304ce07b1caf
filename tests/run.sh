#!/usr/bin/env bash
# Installs what is missing (Debian 12), builds, and runs the tests.
#
#   tests/run.sh              everything
#   tests/run.sh --quick      without sanitizers, fuzzers, clang-tidy and the tests with real processes
#   tests/run.sh --asan       only the address and undefined-behaviour sanitizers' run
#   tests/run.sh --tsan       only the thread sanitizer's run
#   tests/run.sh -R REGEX     only the tests whose name matches, without the other parts
#
# The last line is the summary of the tests. Exits with 0 when all parts passed. Builds are
# kept in build/dev, build/asan, build/tsan and build/fuzz. TURNSTONE_JOBS sets how much runs at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

parts=(fuzz asan tidy dev)
filter=()
sanitized=(-LE 'e2e|tidy')
case ${1:-} in
  '') ;;
  --quick)
    parts=(dev)
    filter=(-LE e2e)
    ;;
  --asan | --tsan)
    parts=("${1#--}")
    ;;
  -R)
    parts=(dev)
    filter=(-R "${2:?run.sh: -R needs a regular expression}")
    ;;
  -h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    echo "run.sh: unknown option $1 (see --help)" >&2
    exit 64
    ;;
esac

jobs=${TURNSTONE_JOBS:-$(nproc)}
failed=()
summary=

heading() { printf '\n=== %s (%s)\n' "$1" "$(date -u +%H:%M:%SZ)"; }

build() {
  heading "Building with the preset $1"
  cmake --preset "$1" && cmake --build --preset "$1" --parallel "$jobs"
}

# run_tests PRESET [ctest's options]: leaves ctest's own summary in $summary.
run_tests() {
  local preset=$1 log=build/$1/run.log status=0
  shift
  heading "Tests, built with the preset $preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$jobs" "$@" 2>&1 | tee "$log" || status=1
  summary=$(grep -E '^[0-9]+% tests passed' "$log") || summary="no test ran"
  return "$status"
}

# Sanitizers watch the code, not the clients: what runs in one process is enough for them,
# and real processes under a sanitizer mostly test its slowness.
run_part() {
  case $1 in
    fuzz) build fuzz && run_tests fuzz -L fuzz ;;
    asan | tsan) build "$1" && run_tests "$1" "${sanitized[@]}" ;;
    tidy)
      # clang-tidy reads what the build generates, so the build comes first.
      build dev && heading "clang-tidy" && cmake --build --preset dev --target tidy
      ;;
    dev) build dev && run_tests dev "${filter[@]}" ;;
  esac
}

# shellcheck source=tests/packages.sh
source tests/packages.sh
heading "Packages"
need_packages build
need_packages test

for part in "${parts[@]}"; do
  run_part "$part" || failed+=("$part")
done
echo
if ((${#failed[@]})); then
  echo "$summary"
  echo "FAILED: ${failed[*]}"
  exit 1
fi
echo "$summary"
