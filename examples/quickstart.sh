#!/usr/bin/env bash
# Three regions on this machine take writes, lose each other, and converge.
#
#   examples/quickstart.sh             build if need be, tell the story, stop the three
#   examples/quickstart.sh --keep      leave the three running, and say how to connect
#   examples/quickstart.sh --stop      stop what --keep left running
#   examples/quickstart.sh --no-wait   without pauses between the steps
#
# TURNSTONE_BINARY names a server that is built already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

regions=(paris tokyo dallas)
kept=$PWD/examples/.quickstart
keep=no
wait=yes
stop=no
for argument in "$@"; do
  case $argument in
    --keep) keep=yes ;;
    --no-wait) wait=no ;;
    --stop) stop=yes ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      echo "quickstart.sh: unknown option $argument (see --help)" >&2
      exit 64
      ;;
  esac
done

# --- what the reader sees

bold='' dim='' green='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
[[ -t 1 ]] || wait=no

chapter=0
chapter() {
  [[ $wait == no || $chapter == 0 ]] || sleep 2
  chapter=$((chapter + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$chapter" "$1" "$plain"
  shift
  (($# == 0)) || printf '   %s\n' "$@"
  echo
}

fail() {
  printf '\n%squickstart.sh: %s%s\n' "$red" "$1" "$plain" >&2
  for region in "${regions[@]}"; do
    if [[ -f ${data:-}/$region.log ]]; then
      printf -- '--- the end of %s\n' "$data/$region.log" >&2
      tail -n 15 "$data/$region.log" >&2
    fi
  done
  exit 1
}

# run paris GET k: shows the command and what it answers; keeps the answer in $answer.
run() {
  local region=$1
  shift
  local words='' word
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_.:-]+$ ]] && words+=" $word" || words+=" \"$word\""
  done
  printf '   %s%-7s%s$ redis-cli -p %d%s\n' "$dim" "$region" "$plain" "${port[$region]}" "$words"
  answer=$(redis-cli --no-raw -p "${port[$region]}" "$@" 2>&1) || fail "redis-cli failed: $answer"
  printf '%s\n' "$answer" | sed "s/^/             $green/; s/\$/$plain/"
}

# The story must be true: the answer is this, or the script fails.
expect() {
  [[ $answer == "$1" ]] || fail "expected $1, and it answered $answer"
}

quiet() {
  redis-cli -p "${port[$1]}" "${@:2}" 2>&1
}

# Waits, out of sight, until a region answers as expected.
eventually() {
  local expected=$1 region=$2 found='' tries
  shift 2
  for ((tries = 0; tries < 500; ++tries)); do
    found=$(quiet "$region" "$@" | sort) || true
    [[ $found != "$expected" ]] || return 0
    kill -0 "${pid[$region]}" 2>/dev/null || fail "the server of $region has ended"
    sleep 0.02
  done
  fail "$region should answer $* with $expected, but answers $found"
}

# --- the three processes

declare -A port gossip pid

# Is it running, and is it a server of ours (numbers of processes are used again)?
alive() {
  [[ -n ${1:-} && -d /proc/$1 && $(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") == *" serve "* ]]
}

stop_pid() {
  alive "$1" || return 0
  kill -TERM "$1" 2>/dev/null || true
  local tries
  for ((tries = 0; tries < 100; ++tries)); do
    alive "$1" || return 0
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
}

stop_kept() {
  local file
  for file in "$kept"/*.pid; do
    [[ -f $file ]] || continue
    stop_pid "$(<"$file")"
    rm -f "$file"
  done
}

in_use() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

choose_ports() {
  local offset index region ok
  for offset in 0 200 400 600 800 1200 1400 1600 1800; do
    ok=yes
    for index in 0 1 2; do
      region=${regions[index]}
      port[$region]=$((7001 + offset + index))
      gossip[$region]=$((7101 + offset + 10 * index))
      if in_use "${port[$region]}" || in_use "${gossip[$region]}" || in_use $((gossip[$region] + 1)); then
        ok=no
        break
      fi
    done
    [[ $ok == no ]] || return 0
  done
  fail "found no free ports from 7001 on"
}

start_region() {
  local region=$1 peer peers=()
  for peer in "${regions[@]}"; do
    [[ $peer == "$region" ]] || peers+=(--peer "$peer=127.0.0.1:${gossip[$peer]}")
  done
  env -u TURNSTONE_BINARY setsid "$binary" serve --region "$region" --data "$data/$region" --resp "127.0.0.1:${port[$region]}" \
    --gossip "127.0.0.1:${gossip[$region]}" "${peers[@]}" --allow-link-control \
    </dev/null >"$data/$region.log" 2>&1 &
  pid[$region]=$!
  echo $! >"$data/$region.pid"
}

finish() {
  local status=$? region
  if [[ $keep == no || $status != 0 ]]; then
    for region in "${!pid[@]}"; do stop_pid "${pid[$region]}"; done
    [[ $data == "$kept" ]] || rm -rf "$data"
    rm -f "$kept"/*.pid
  fi
  exit "$status"
}

if [[ $stop == yes ]]; then
  stop_kept
  echo "stopped; the data is in $kept"
  exit 0
fi

# --- what it needs

binary=${TURNSTONE_BINARY:-}
if [[ -z $binary ]]; then
  # shellcheck source=../tests/packages.sh
  source tests/packages.sh
  need_packages build
  need_packages demo
  printf '%sBuilding turnstone%s (the first time takes a few minutes)\n' "$bold" "$plain"
  cmake --preset release >/dev/null
  cmake --build --preset release --target turnstone
  binary=$PWD/build/release/regions/turnstone
fi
[[ -x $binary ]] || fail "no server at $binary"
command -v redis-cli >/dev/null || fail "redis-cli is missing (package redis-tools)"

if [[ $keep == yes ]]; then
  stop_kept
  data=$kept
  rm -rf "$data"
  mkdir -p "$data"
else
  data=$(mktemp -d "${TMPDIR:-/tmp}/turnstone-quickstart.XXXXXX")
fi
trap finish EXIT
trap 'exit 130' INT TERM

# --- the story

choose_ports
chapter "Three regions start, each a leader of its own" \
  "Each takes writes by itself, keeps them on its own disk, and tells the others."
for region in "${regions[@]}"; do
  start_region "$region"
done
for region in "${regions[@]}"; do
  eventually PONG "$region" PING
  printf '   %-7s redis port %d, gossip port %d, process %d\n' "$region" "${port[$region]}" \
    "${gossip[$region]}" "${pid[$region]}"
done

chapter "A write in one region is read in the others" "Any Redis client will do; this is redis-cli."
run paris SET title "First edition"
expect OK
run paris INCRBY visits 10
expect "(integer) 10"
run paris SADD cart apple bread
expect "(integer) 2"
eventually $'apple\nbread' tokyo SMEMBERS cart
run tokyo GET title
expect '"First edition"'
eventually $'apple\nbread' dallas SMEMBERS cart
run dallas GET visits
expect '"10"'

chapter "All links between the regions are cut" "Each end stops listening to the other, and stops answering it."
for region in "${regions[@]}"; do
  for peer in "${regions[@]}"; do
    [[ $peer != "$region" ]] || continue
    run "$region" TS.LINK CUT "$peer"
    expect OK
  done
done

chapter "Every region goes on taking writes, and some of them conflict" \
  "Two new titles for one key, increments on both sides, and one customer" \
  "removes the apple while another puts it in again."
run paris SET title "Paris edition"
expect OK
run tokyo SET title "Tokyo edition"
expect OK
run paris INCRBY visits 7
expect "(integer) 17"
run tokyo INCRBY visits 3
expect "(integer) 13"
run dallas INCR visits
expect "(integer) 11"
run paris SREM cart apple
expect "(integer) 1"
run tokyo SADD cart apple
expect "(integer) 0"
run dallas SADD cart cherry
expect "(integer) 1"

chapter "So far nobody has heard of the others"
for region in "${regions[@]}"; do
  run "$region" MGET title visits
done
expect $'1) "First edition"\n2) "11"'

chapter "The links heal"
for region in "${regions[@]}"; do
  for peer in "${regions[@]}"; do
    [[ $peer != "$region" ]] || continue
    run "$region" TS.LINK HEAL "$peer"
    expect OK
  done
done
for region in "${regions[@]}"; do
  eventually $'apple\nbread\ncherry' "$region" SMEMBERS cart
  eventually 21 "$region" GET visits
  eventually "Tokyo edition" "$region" GET title
done

chapter "And all show the same" \
  "title:  two writes that had not seen each other; the later clock shows." \
  "visits: 10 + 7 + 3 + 1, not one increment lost." \
  "cart:   the apple stays, because paris had not seen it put in again."
for region in "${regions[@]}"; do
  run "$region" MGET title visits
  expect $'1) "Tokyo edition"\n2) "21"'
  run "$region" SMEMBERS cart
  [[ $(sort <<<"${answer//[0-9]) /}") == $'"apple"\n"bread"\n"cherry"' ]] || fail "the cart is $answer"
done

chapter "Nothing was settled in silence: the conflicts are on record in every region" \
  "Both sides, who wrote them where and when, and which of them shows."
for region in "${regions[@]}"; do
  found=$(quiet "$region" TS.CONFLICTS)
  for word in title concurrent_write "Paris edition" "Tokyo edition" cart update_vs_delete apple; do
    [[ $found == *"$word"* ]] || fail "TS.CONFLICTS in $region does not mention $word: $found"
  done
done
run dallas -3 TS.CONFLICTS

chapter "Equal, byte for byte: a digest of the whole state and its version vector"
for region in "${regions[@]}"; do
  eventually "$(quiet paris TS.DIGEST | sort)" "$region" TS.DIGEST
done
run paris TS.DIGEST
digest=$answer
for region in tokyo dallas; do
  run "$region" TS.DIGEST
  expect "$digest"
done

echo
if [[ $keep == yes ]]; then
  printf '%sThe three go on running.%s Connect:   redis-cli -p %d   (tokyo %d, dallas %d)\n' "$bold" "$plain" \
    "${port[paris]}" "${port[tokyo]}" "${port[dallas]}"
  printf 'Data and logs: %s\nStop them:     examples/quickstart.sh --stop\n' "$data"
else
  printf '%sDone.%s The three are stopped and their data is removed.\n' "$bold" "$plain"
  printf 'To keep them running: examples/quickstart.sh --keep\n'
fi
