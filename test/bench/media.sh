#!/bin/bash
# SPDX-License-Identifier: ISC
# The media engine's figures: CPU for a relayed packet with an encrypted trunk,
# delay added, calls a core; beside rtpengine (plain) where it is installed
# (test/bench/peers/peer-kamailio-rtpengine.sh install).
# usage: BIN=build/gcc test/bench/media.sh [SECONDS [CALLS...]]
#
# CPU 1 has what is measured, CPU 0 the load.  RT=1: all of it before whatever
# else this machine does (chrt, root); for machines that are shared.
# A row "far" is one engine, and the load speaks for the other exchange; "near"
# is two engines, both on CPU 1 (the single call: one on each).
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=$(realpath "${BIN:-build/gcc}")/test/bench
seconds=${1:-5}
shift || true
calls=("$@")
[ ${#calls[@]} -gt 0 ] || calls=(400 1000 2500 3500)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/ringdown-bench.XXXXXX")
pids=()
stop() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null || true
	wait
	pids=()
}
trap 'stop; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"
first=()
[ "${RT:-0}" = 0 ] || first=(chrt -f 1)
on() { local cpu=$1; shift; exec ${first[@]+"${first[@]}"} taskset -c "$cpu" "$@"; }

# run LOG CPU PROGRAM ... : in the background until stop, bounded
run() {
	local log=$1 cpu=$2
	shift 2
	(ulimit -t 600; on "$cpu" "$@") > "$log" 2>&1 &
	pids+=($!)
}
ready() {
	for _ in $(seq 200); do
		grep -q ready "$1" && return 0
		kill -0 "${pids[-1]}" 2> /dev/null || break
		sleep 0.05
	done
	cat "$1" >&2
	return 1
}
table() {
	local i
	for ((i = 0; i < $1; i++)); do echo "$(($2 + 2 * i)) $(($3 + $4 * i))"; done
}
# measure NAME CALLS B_PORT far|near
measure() {
	(on 0 timeout $((seconds + 30)) "$BIN/media_load" "$1" "$work/table" "$2" "$seconds" \
		9100 "$3" "$4" "${pids[@]}") | tee -a "$work/rows"
}

# far CALLS [SUITE]
far() {
	table "$1" 10000 9000 0 > "$work/table"
	run "$work/a" 1 "$BIN/media_engine" a "$1" 10000 9100 9000 9001 ${2:+"$2"}
	ready "$work/a"
	measure "far${2:+-srtp}" "$1" 9001 "${2:-far}"
	stop
	grep engine: "$work/a"
}
near() {
	table "$1" 10000 32000 2 > "$work/table"
	run "$work/a" 1 "$BIN/media_engine" a "$1" 10000 9100 9000 9001
	ready "$work/a"
	run "$work/b" "$2" "$BIN/media_engine" b "$1" 32000 9110 9001 9000
	ready "$work/b"
	measure near "$1" 9110 near
	stop
}
rtpengine_row() {
	run "$work/r" 1 rtpengine --config-file=none --foreground --log-stderr --log-level=2 \
		--table=-1 --interface=127.0.0.1 --listen-ng=127.0.0.1:25090 --timeout=300 \
		--silent-timeout=600 --delete-delay=0 --port-min=33000 --port-max=59999 --num-threads=1
	for _ in $(seq 100); do
		# port 25090 is bound
		grep -q ':6202 ' /proc/net/udp && break
		sleep 0.1
	done
	test/bench/rtpengine_calls.py 25090 "$1" 9100 9110 > "$work/table" || { cat "$work/r" >&2; return 1; }
	measure rtpengine "$1" 9110 near
	stop
}
# ratio CALLS: of the CPU for a packet
ratio() {
	awk -v n="$1" '$3 == n && $1 == "far" { o = $5 } $3 == n && $1 == "rtpengine" { p = $5 }
		END { if (o && p) printf "at %d calls rtpengine takes %.1f times the CPU a packet\n", n, p / o }' \
		"$work/rows"
}

echo "machine: $(nproc) cores, $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
(on 1 "$BIN/media_load" floor)
echo "-- one call, telephone to telephone across both exchanges"
near 1 0
echo "-- across both exchanges, CPU is that of both"
near 400 1
echo "-- one exchange, encrypted trunk"
for n in "${calls[@]}"; do far "$n"; done
echo "-- the same, telephones with SRTP, AES_CM_128_HMAC_SHA1_80"
far "${calls[0]}" AES_CM_128_HMAC_SHA1_80
if command -v rtpengine > /dev/null; then
	echo "-- rtpengine, plain to plain, one thread"
	for n in "${calls[@]}"; do
		# it has four sockets a call, and is saturated long before
		[ "$n" -gt 1200 ] || rtpengine_row "$n"
	done
	for n in "${calls[@]}"; do ratio "$n"; done
else
	echo "-- rtpengine is not installed"
fi
echo "machine: load $(cut -d' ' -f1-3 /proc/loadavg)"
