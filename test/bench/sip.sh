#!/bin/bash
# Calls a second through src/sip on one core, and CPU a call: sipp calls sipp
# through sip_rig, INVITE 180 200 ACK BYE over UDP.
# usage: test/bench/sip.sh [SECONDS [RATE ...]]       default: 8 s, 400 800 1000
# Past 32 s libre's transactions are all there, waiting: 60 s and more for
# figures to quote.  BIN: where the programs are.
set -eu
BIN=$(realpath "${BIN:-build/gcc}")
cd "$(dirname "$0")/../.."
seconds=${1:-8}
[ $# -gt 0 ] && shift
rates=${*:-400 800 1000}
data=$PWD/test/data/sipp
work=$(mktemp -d)
pids=()
cleanup() {
	for p in "${pids[@]}"; do kill "$p" 2> /dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT
command -v sipp > /dev/null || { echo "sip: sipp is not installed (tools/deps.sh check)"; exit 1; }
ours=() theirs=()
[ "$(nproc)" -gt 1 ] && ours=(taskset -c 1) theirs=(taskset -c 0)
port=$((20000 + RANDOM % 20000))

failed=0
for rate in $rates; do
	n=$((rate * seconds))
	mkfifo "$work/in.$rate"
	"${ours[@]}" "$BIN/test/system/sip_rig" -p "$port" "100=sip:100@127.0.0.1:$((port + 1))" \
		< "$work/in.$rate" > "$work/rig.$rate" &
	rig=$!
	pids+=("$rig")
	exec 3> "$work/in.$rate"
	until grep -q ready "$work/rig.$rate"; do kill -0 "$rig"; done
	cd "$work"
	"${theirs[@]}" timeout $((seconds + 60)) sipp -sf "$data/uas.xml" -i 127.0.0.1 -p $((port + 1)) \
		-buff_size 4194304 -nostdin < /dev/null > uas.out 2>&1 3>&- &
	uas=$!
	pids+=("$uas")
	"${theirs[@]}" timeout $((seconds + 40)) sipp -sf "$data/uac.xml" -i 127.0.0.1 -p $((port + 2)) \
		-s 100 -r "$rate" -m "$n" -l 20000 -d 20 -recv_timeout 10000 \
		-timeout $((seconds + 30)) -buff_size 4194304 -timer_resol 1 -nostdin \
		-trace_stat -fd 600 127.0.0.1:"$port" < /dev/null > uac.out 2>&1 3>&- || true
	kill "$uas" 2> /dev/null || true
	wait "$uas" 2> /dev/null || true
	exec 3>&-
	wait "$rig"
	cd - > /dev/null
	stat=$(ls "$work"/uac_*_.csv)
	awk -F';' -v rate="$rate" -v n="$n" -v s="$seconds" -v rig="$(tail -1 "$work/rig.$rate")" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		{ ok = $at["SuccessfulCall(C)"]; again = $at["Retransmissions(C)"] }
		END {
			match(rig, /cpu_ms=[0-9]+/)
			cpu = substr(rig, RSTART + 7, RLENGTH - 7)
			printf "sip: %d calls/s for %d s: %.3f %% completed, %d repeated, " \
				"%.0f us CPU a call, %.0f %% of a core\n", rate, s,
				100 * ok / n, again, ok ? 1000 * cpu / ok : 0, cpu / s / 10
			exit ok < 0.999 * n
		}' "$stat" || failed=1
	rm -f "$work"/uac_*
	port=$((port + 3))
done
exit "$failed"
