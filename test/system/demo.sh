#!/bin/bash
# SPDX-License-Identifier: ISC
# The main job, with real processes: pair, write, cut, kill, restore, prove.
# usage: BIN=build/gcc test/system/demo.sh      KEEP=1 leaves both running
#
# Fails loudly when anything is not as it says.
set -euo pipefail
cd "$(dirname "$0")/../.."
BIN=$(realpath "${BIN:-build/gcc}")
export LC_ALL=C.UTF-8
work=$(mktemp -d "${TMPDIR:-/tmp}/ringdown-demo.XXXXXX")
chmod 755 "$work"
base=$((20000 + RANDOM % 20000))
t0=$(date +%s%N)
relay=

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() {
	printf '\nDEMO FAILED: %s\nLogs are in %s\n' "$*" "$work" >&2
	tail -n 20 "$work"/*.log >&2 || true
	exit 1
}
trap 'die "line $LINENO: $BASH_COMMAND"' ERR
stop() {
	trap - ERR EXIT
	for p in "$work"/*.pid; do [ -e "$p" ] && kill "$(cat "$p")" 2> /dev/null; done
	wait 2> /dev/null || true
}
trap stop EXIT

side() { local s=$1; shift; "$BIN/ringdown" -c "$work/$s/ringdown.conf" --as "$s duty officer" "$@"; }
other() { [ "$1" = south ] && echo north || echo south; }
json() { /usr/bin/python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
pair() { side "$1" --json pair list | json "d[0]$2"; }

# until SECONDS COMMAND...: wait for what must come
until_true() {
	local end=$((SECONDS + $1)); shift
	while ! "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || die "did not come true in time: $*"
		sleep 0.05
	done
}
answers() { side "$1" status; }
trunk_is() { [ "$(pair "$1" '["trunk"]')" = "$2" ]; }
settled() {
	[ "$(pair "$1" '["unacknowledged"]')" = 0 ] &&
		[ "$(pair "$1" '["wants"]')" = 0 ] &&
		[ "$(pair "$1" '["joint"]["signed"]')" = "$(pair "$1" '["joint"]["size"]')" ]
}

start() {
	"$BIN/ringdownd" -c "$work/$1/ringdown.conf" >> "$work/$1.log" 2>&1 &
	echo $! > "$work/$1.pid"
	until_true 20 answers "$1"
}

say "1. Two exchanges, South and North: configuration, keys, processes"
"$BIN/test/system/relay" $((base + 2)):$base $((base + 3)):$((base + 1)) > "$work/relay.log" 2>&1 &
relay=$!
echo $relay > "$work/relay.pid"
n=0
for s in south north; do
	"$BIN/ringdown" init -c "$work/$s/ringdown.conf" --dir "$work/$s" $s.example > /dev/null
	printf 'listen 127.0.0.1:%d\naddress 127.0.0.1:%d\n' $((base + n)) $((base + n + 2)) >> "$work/$s/ringdown.conf"
	mkdir "$work/offline-$s"
	mv "$work/$s/keys/next.key" "$work/offline-$s/"
	n=$((n + 1))
	start $s
	echo "$s.example runs: $(pgrep -P "$(cat "$work/$s.pid")" | wc -l) processes below their monitor"
done

say "2. Pairing in person: each side takes the other's card"
for s in south north; do side $s pair card > "$work/$s.card"; done
for s in south north; do
	side $s pair add --yes "$work/$(other $s).card" > "$work/$s.add"
	grep -oE '[0-9]+ [a-z]+' "$work/$s.add" | cut -d' ' -f2 > "$work/$s.words"
done
[ "$(wc -l < "$work/south.words")" = 12 ] || die "not twelve words"
cmp "$work/south.words" "$work/north.words" || die "the words differ"
echo "both read out: $(tr '\n' ' ' < "$work/south.words")"
for s in south north; do until_true 20 trunk_is $s up; done
if side south pair add --yes "$work/north.card" > "$work/again" 2>&1; then
	die "a card was taken twice"
fi
echo "the line is up; a card used twice is refused"

say "3. A PDF and a notice each way, in Korean and English, opened and receipted"
mandoc -T pdf man/ringdown.1 > "$work/manual.pdf"
pages=$(grep -ac '/Type /Page$\|/Type /Page[^s]' "$work/manual.pdf" || true)
for s in south north; do
	o=$(other $s)
	side $s send $o.example -s "Manual of the line ($pages pages)" --wait held "$work/manual.pdf"
	printf '북측 연락관 앞. 금일 09:00 개시 통화를 확인합니다.\nTo the liaison officer: the opening call at 09:00 is confirmed.\n' |
		side $s send $o.example -s "개시 통화 확인 / Opening call confirmed" --wait held -
done
for s in south north; do
	o=$(other $s)
	for q in $(side $s --json inbox $o.example | json "' '.join(str(i['seq']) for i in d['items'])"); do
		side $s show $o.example in "$q" -o "$work/$s.got.$q" > /dev/null
	done
	cmp "$work/manual.pdf" "$(ls -S "$work/$s".got.* | head -n 1)"
done
for s in south north; do
	until_true 10 settled $s
	side $s outbox "$(other $s).example"
	side $s --json outbox "$(other $s).example" |
		json "all('opened' in i['states'] for i in d['items']) or sys.exit('not opened')" > /dev/null
done

say "4. The trunk is cut. Both sides go on writing; South's keeper is killed with SIGKILL"
kill -USR1 $relay
for s in south north; do until_true 20 trunk_is $s down; done
side south status | head -n 4
send_many() {	# SIDE FIRST LAST: with ids of our own, so that asking again is safe
	local s=$1 o i
	o=$(other "$s")
	for i in $(seq "$2" "$3"); do
		until printf '%s %d: 통지 / notice written during the cut\n' "$s" "$i" |
			side "$s" send "$o.example" -s "$s $i" --id "$s-$i" - > /dev/null 2>> "$work/retries.log"; do
			[ $((retries += 1)) -lt 200 ] || die "could not write"
			sleep 0.1
		done
	done
}
retries=0
send_many north 1 10
keeper=$(pgrep -P "$(cat "$work/south.pid")" -f 'r keeper')
(sleep 0.4; kill -9 "$keeper"; echo "killed keeper $keeper with SIGKILL") &
killer=$!
send_many south 1 45
wait $killer
! kill -0 "$keeper" 2> /dev/null || die "the keeper lives"
/usr/bin/python3 - "$work" <<'P'
import json, sys
for s in ('south', 'north'):
    with open(f'{sys.argv[1]}/{s}.ndjson', 'w') as f:
        for i in range(46 if s == 'south' else 11, 91):
            f.write(json.dumps({'subject': f'{s} {i}', 'text': f'{s} {i} 통지\n'}, ensure_ascii=False) + '\n')
P
for s in south north; do
	o=$(other $s)
	side $s send --bulk "$work/$s.ndjson" $o.example
	for i in $(seq 91 100); do
		head -c $((i * 700)) /dev/urandom > "$work/doc.bin"
		side $s send $o.example -s "$s $i" --id "$s-$i" "$work/doc.bin" > /dev/null
	done
done
for s in south north; do
	echo "$s: $(pair $s '["unacknowledged"]') entries wait, durable here, not acknowledged"
done

say "5. The trunk is restored: everything arrives, exactly once, in order"
t1=$(date +%s%N)
kill -USR2 $relay
for s in south north; do until_true 30 trunk_is $s up; done
for s in south north; do until_true 30 settled $s; done
t2=$(date +%s%N)
inbox() {	# all pages
	local after=0 page
	while :; do
		page=$(curl -sf --unix-socket "$work/$1/api.sock" "http://ringdown/v1/pairs/$(other "$1").example/inbox?limit=100&after=$after")
		echo "$page"
		after=$(echo "$page" | json "d['next'] if d['next'] is not None else ''")
		[ -n "$after" ] || break
	done
}
for s in south north; do
	o=$(other $s)
	inbox $s > "$work/$s.inbox"
	/usr/bin/python3 - "$work/$s.inbox" "$o" <<'P'
import json, sys
got = [i for line in open(sys.argv[1]) for i in json.loads(line)['items']]
want = [f'{sys.argv[2]} {i}' for i in range(1, 101)]
late = [i['subject'] for i in got if i['subject'].startswith(sys.argv[2] + ' ')]
assert late == want, ('not exactly once and in order', late)
assert all('held' in i['states'] for i in got)
print(f'{len(late)} of 100 from {sys.argv[2]}, each once, in order, every body held')
P
done

say "6. A line: both sign its agreement; a check; closed by North; what waits; open again"
{
	printf 'ringdown-agreement/v1\nline liaison\nversion 1\nreplaces none\n'
	printf 'sides north.example south.example\nfrom %s\n' "$(date -u +%Y-%m-%dT%H:%M:00Z)"
	printf 'purpose Liaison between the two offices\nlanguage ko\nlanguage en\n'
	printf 'medium notice\nrecording none\nrestoration machine\n'
	printf 'zone north.example Asia/Pyongyang\nzone south.example Asia/Seoul\n'
	printf 'person north.example officer Ri Jong-hyok, liaison office\n'
	printf 'person south.example officer Kim Min-su, liaison office\n'
	printf 'check opening mon-fri 09:00 south.example by south.example grace 600 role officer\n'
	printf 'unannounced grace 600\n'
} > "$work/liaison.agreement"
say_line() { side "$1" --json line show liaison | json "d$2"; }
line_state() { [ "$(say_line "$1" "['state']")" = "$2" ]; }
side south line propose "$work/liaison.agreement"
until_true 20 line_state north proposed
side north line show liaison
side north line accept liaison --yes
for s in south north; do until_true 20 line_state $s open; done
echo "in force on both sides, under the same bytes"
until_true 20 side south check run liaison
check_waits() { [ -n "$(say_line north "['calls'] or ''")" ]; }
until_true 20 check_waits
side north status
side north check attend liaison
answered() { [ "$(say_line south "['last_check']['outcome']")" = answered ]; }
until_true 20 answered
side north line close liaison --reason "all lines are cut from 12:00"
until_true 20 line_state south closed-by-them
for i in 1 2 3; do
	echo "통지 $i: written while the line was closed" |
		side south send north.example --line liaison -s "South waits $i" -
done
[ "$(say_line south "['waiting']")" = 3 ] || die "three notices should wait"
[ -z "$(side north --json inbox south.example | json "[i for i in d['items'] if 'waits' in i['subject']] or ''")" ] ||
	die "something went out on a closed line"
side north line open liaison --reason "the lines are restored"
until_true 20 line_state south open
none_waits() { [ "$(say_line south "['waiting']")" = 0 ]; }
until_true 20 none_waits
for s in south north; do until_true 30 settled $s; done
inbox north | /usr/bin/python3 -c "
import json, sys
got = [i['subject'] for line in sys.stdin for i in json.loads(line)['items']]
late = [g for g in got if g.startswith('South waits')]
assert late == ['South waits 1', 'South waits 2', 'South waits 3'], late
print('what waited arrived once and in order, after a check')"
side south line history liaison
side south statement --peer north.example --lang ko

say "7. Dossiers, verified off line by a program that shares no code with the exchange"
for s in south north; do
	side $s record export "$(other $s).example" "$work/dossier-$s" > /dev/null
	"$BIN/ringdown-verify" --card "$work/south.card" --card "$work/north.card" "$work/dossier-$s" > "$work/verdict-$s" ||
		die "verdict: $(tail -n 1 "$work/verdict-$s")"
	echo "$s: $(grep '^joint' "$work/verdict-$s")"
	echo "$s: $(tail -n 1 "$work/verdict-$s")"
done
cmp <(grep '^joint' "$work/verdict-south") <(grep '^joint' "$work/verdict-north")

say "8. The joint timeline: who, when by whose clock, before or concurrent"
"$BIN/ringdown-verify" --timeline "$work/dossier-south" > "$work/timeline"
head -n 14 "$work/timeline"
echo "  ... $(wc -l < "$work/timeline") lines ..."
tail -n 6 "$work/timeline"

say "9. The signed heads"
for s in south north; do
	cat "$work/dossier-south/feed.$s.example.cosigned"
done
cat "$work/dossier-south/joint.checkpoint"

say "10. Thirteen months without an answer (the same core, in virtual time)"
t4=$(date +%s%N)
"$BIN/rdsim" -M "$work/months"
echo "simulated in $((($(date +%s%N) - t4) / 1000000)) ms"
for s in south north; do
	"$BIN/ringdown-verify" "$work/months/$s" > "$work/verdict-$s" 2> /dev/null ||
		die "verdict: $(tail -n 1 "$work/verdict-$s")"
	echo "$s: $(tail -n 1 "$work/verdict-$s")"
done
"$BIN/ringdown" statement --dossier "$work/months/south" --day 2026-11-30
"$BIN/ringdown" statement --dossier "$work/months/south" --day 2027-06-01 --lang ko
"$BIN/ringdown" statement --dossier "$work/months/south" --day 2028-01-05
"$BIN/ringdown" check stats --dossier "$work/months/south"
"$BIN/ringdown" check stats --dossier "$work/months/south" --svg > "$work/answer-rate.svg"
echo "the plot of answer rates: $work/answer-rate.svg ($(wc -c < "$work/answer-rate.svg") octets; KEEP=1 keeps it)"

say "Figures of this run"
t3=$(date +%s%N)
entries=$(("$(pair south '["own"]["size"]')" + "$(pair south '["other"]["size"]')"))
printf '%s entries on one record; %s sent again after the kill; caught up %d ms after the cut ended; %d s in all\n' \
	"$entries" "$retries" $(((t2 - t1) / 1000000)) $(((t3 - t0) / 1000000000))
echo "DEMO PASSED"

if [ -n "${KEEP:-}" ]; then
	trap - EXIT
	cat <<E

Both exchanges go on running. Talk to them:
  $BIN/ringdown -c $work/south/ringdown.conf status -w
  echo hello | $BIN/ringdown -c $work/north/ringdown.conf send south.example -
  kill -USR1 $relay     cuts the trunk,  kill -USR2 $relay  mends it
Stop them:
  kill $(cat "$work"/*.pid | tr '\n' ' ')
E
else
	stop
	rm -rf "$work"
fi
