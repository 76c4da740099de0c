#!/bin/bash
# SPDX-License-Identifier: ISC
# The spine's figures, measured beside what they are compared with.
# usage: BIN=build/gcc test/bench/spine.sh [SECONDS]        (SECONDS: 10 a row, 60 for bulk)
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=$(realpath "${BIN:-build/gcc}")
seconds=${1:-10}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/ringdown-bench.XXXXXX")
chmod 755 "$work"
base=$((20000 + RANDOM % 20000))
trap 'for p in "$work"/*.pid; do kill "$(cat "$p")" 2> /dev/null || true; done; wait; rm -rf "$work"' EXIT

side() { local s=$1; shift; "$BIN/ringdown" -c "$work/$s/ringdown.conf" --as bench "$@"; }
until_true() { until "$@" > /dev/null 2>&1; do sleep 0.05; done; }
load() { /usr/bin/python3 test/bench/load.py "$work/south/api.sock" north.example "$@"; }
raw() { "$BIN/test/bench/raw" "$@"; }
start() {
	"$BIN/ringdownd" -c "$work/$1/ringdown.conf" 2>> "$work/$1.log" &
	echo $! > "$work/$1.pid"
	until_true side "$1" status
}
stop() { kill "$(cat "$work/$1.pid")"; until_true test ! -d "/proc/$(cat "$work/$1.pid")"; }
pids() { pgrep -P "$(cat "$work/$1.pid")"; }
cpu() { cat $(for s in south north; do pids $s; cat "$work/$s.pid"; done | sed 's,.*,/proc/&/stat,') | awk '{s += $14 + $15} END {print s}'; }

echo "machine: $(nproc) cores, $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
n=0
for s in south north; do
	"$BIN/ringdown" init -c "$work/$s/ringdown.conf" --dir "$work/$s" $s.example > /dev/null
	echo "listen 127.0.0.1:$((base + n))" >> "$work/$s/ringdown.conf"
	n=$((n + 1))
	start $s
	side $s pair card > "$work/$s.card"
done
side south pair add --yes "$work/north.card" > /dev/null
side north pair add --yes "$work/south.card" > /dev/null
up() { side south --json status | grep -q '"trunk":"up"'; }
until_true up

echo "-- idle: CPU of all processes of both exchanges, 20 s"
a=$(cpu); sleep 20; b=$(cpu)
echo "idle: $(((b - a) * 100 / 20 / $(getconf CLK_TCK)))% of a core for two exchanges; resident KiB: $(for s in south north; do for p in $(pids $s); do awk '/VmRSS/ {printf "%s ", $2}' /proc/$p/status; done; done)"

echo "-- the store alone"
"$BIN/test/bench/store_bench" "$work" || true
echo "-- one notice at a time, beside the disk; then 10 senders of 1 KiB (each waits for held)"
raw sync "$work" 3
load single "$seconds"
raw sync "$work" 3
load senders 10 "$seconds"
if command -v smtp-source > /dev/null && [ -x test/bench/peers/peer-postfix.sh ]; then
	test/bench/peers/peer-postfix.sh start > /dev/null && test/bench/peers/peer-postfix.sh bench 4000 10 1024
	test/bench/peers/peer-postfix.sh stop > /dev/null
fi
echo "-- bulk, one call, 300-byte notices"
load bulk "$((seconds * 6))"
echo "-- a document of 200 MiB, held at the other end, beside the disk and TLS"
for _ in 1 2 3; do
	raw write "$work" 200
	raw tls 400
	load document 200
done
echo "-- a million entries written while the other end was away"
stop north
load fill 1000000
t0=$(date +%s%N)
start north
load acked
echo "catch-up of 1000000 entries: $((($(date +%s%N) - t0) / 1000000)) ms from the other end's start"
echo "-- start with what is there"
entries=$(side south --json pair list | grep -o '"own":{"size":[0-9]*' | grep -o '[0-9]*$')
stop south
t0=$(date +%s%N)
start south
t1=$(date +%s%N)
echo "start with $entries own entries: $(((t1 - t0) / 1000000)) ms; resident KiB: $(for p in $(pids south); do awk '/VmRSS/ {printf "%s ", $2}' /proc/$p/status; done)"
echo "-- dossier and verifier"
t0=$(date +%s%N)
side south record export --no-bodies north.example "$work/dossier" > /dev/null
t1=$(date +%s%N)
"$BIN/ringdown-verify" --card "$work/south.card" --card "$work/north.card" "$work/dossier" | tail -n 1
t2=$(date +%s%N)
echo "export $(((t1 - t0) / 1000000)) ms, verify $(((t2 - t1) / 1000000)) ms"
echo "machine: load $(cut -d' ' -f1-3 /proc/loadavg)"
