# Debian packages, and a way to install what is missing. To be sourced:
#
#   source tests/packages.sh
#   need_packages build     to configure and build everything, the unit tests included
#   need_packages demo      to run examples/quickstart.sh
#   need_packages test      to run every test
#
# Asks before nothing: uses apt as root or through sudo. Elsewhere than on Debian it names
# what is needed and goes on; CMake then says what it does not find.
# shellcheck shell=bash

turnstone_packages() {
  case $1 in
    build)
      echo g++ cmake ninja-build pkg-config python3 \
        libzmq3-dev cppzmq-dev libsodium-dev libmsgpack-cxx-dev libsqlitecpp-dev libsqlite3-dev librange-v3-dev libboost-dev \
        libfmt-dev libspdlog-dev libexpected-dev libcli11-dev libtomlplusplus-dev libxxhash-dev libhiredis-dev \
        nlohmann-json3-dev liblua5.4-dev catch2 librapidcheck-dev
      ;;
    demo) echo redis-tools ;;
    test)
      echo redis-tools redis-server python3-redis python3-zmq python3-msgpack faketime \
        clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14
      # A newer node from elsewhere brings its own npm, which Debian's would conflict with.
      command -v node >/dev/null || echo nodejs
      command -v npm >/dev/null || echo npm
      ;;
    *)
      echo "packages.sh: no group of packages is called $1" >&2
      return 64
      ;;
  esac
}

turnstone_is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

need_packages() {
  local group wanted package missing=() as_root=()
  group=$(turnstone_packages "$1") || return
  mapfile -t wanted < <(tr ' ' '\n' <<<"$group")
  if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get here. What this needs is, in Debian's names: ${wanted[*]}" >&2
    return 0
  fi
  for package in "${wanted[@]}"; do
    turnstone_is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Packages are missing and there is no sudo. As root: apt-get install ${missing[*]}" >&2
      return 69
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  # A mirror that fails to update may still have what is needed in its old lists.
  "${as_root[@]}" apt-get update -q || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}"
}
