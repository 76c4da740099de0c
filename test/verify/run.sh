#!/bin/sh
# SPDX-License-Identifier: ISC
# run.sh  Both verifiers over the corpus, the vectors and hostile directories
#
# usage: run.sh RINGDOWN-VERIFY
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
bin=$(realpath "${1:?usage: run.sh RINGDOWN-VERIFY}") || exit 1
corpus=$here/../data/dossiers
vectors=$here/../data/vectors
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

c_run() { timeout 60 "$bin" "$@" >"$tmp/out" 2>"$tmp/err"; }
py_run() { timeout 60 /usr/bin/python3 "$here/verify.py" "$@" >"$tmp/out" 2>"$tmp/err"; }

# expect NAME CODE LINE ARGS...: what both must say; LINE "" is no verdict
expect() {
	name=$1 want=$2 line=$3
	shift 3
	for v in c py; do
		${v}_run "$@"
		got=$?
		last=$(tail -n 1 "$tmp/out" | grep '^verdict: ')
		if [ "$got" = "$want" ] && [ "$last" = "$line" ]; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAIL $name ($v): want $want '$line'," \
			     "got $got '$last'"
			head -n 5 "$tmp/err"
		fi
	done
}

# check NAME COMMAND...: a thing of the C verifier alone
check() {
	name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $name"
	fi
}

# The whole corpus: three lists of NAME CODE LINE must be the same
dossiers() {
	for d in "$corpus"/*/; do
		d=${d%/}
		set --
		for c in "$d"/cards/*.card; do
			[ -e "$c" ] && set -- "$@" --card "$c"
		done
		{ read -r code; read -r line; } <"$d/expect"
		printf '%s\n' "${d##*/} $code $line" >>"$tmp/want"
		c_run "$@" "$d/dossier"
		printf '%s\n' "${d##*/} $? $(tail -n 1 "$tmp/out")" >>"$tmp/c"
	done
	timeout 120 /usr/bin/python3 "$here/verify.py" --corpus "$corpus" \
		>"$tmp/py" 2>"$tmp/err"
	LC_ALL=C sort -o "$tmp/want" "$tmp/want"
	for v in c py; do
		LC_ALL=C sort -o "$tmp/$v" "$tmp/$v"
		same=$(LC_ALL=C comm -12 "$tmp/want" "$tmp/$v" | wc -l)
		passed=$((passed + same))
		failed=$((failed + $(wc -l <"$tmp/want") - same))
		LC_ALL=C comm -3 "$tmp/want" "$tmp/$v" |
			sed "s/^\t/  got ($v): /; t; s/^/FAIL want: /"
	done
	[ -s "$tmp/want" ] || failed=$((failed + 1))
}

c2sp() {
	cd "$vectors" || exit 1
	for e in A0 A1 A2 A3 B0; do
		[ -s "entry$e" ] || failed=$((failed + 1))
	done
	good='verdict: trusted'
	expect checkpoint 0 "$good" --note checkpoint --vkeys vkeys \
		entryA0 entryA1 entryA2
	expect checkpoint.2 0 "$good" --note checkpoint.2 --vkeys vkeys \
		entryA0 entryA1
	expect joint 0 "$good" --note joint.checkpoint --vkeys joint.vkey \
		--vkeys vkeys entryA0 entryA1 entryA2 entryB0 entryA3
	expect joint-order 3 'verdict: invalid root joint.checkpoint' \
		--note joint.checkpoint --vkeys joint.vkey \
		entryA0 entryA1 entryB0 entryA2 entryA3
	expect joint-short 3 'verdict: invalid size joint.checkpoint' \
		--note joint.checkpoint --vkeys joint.vkey entryA0
	expect no-log-key 3 'verdict: invalid signature joint.checkpoint' \
		--note joint.checkpoint --vkeys vkeys
	expect proof 0 "$good" --proof a2.tlog-proof --vkeys vkeys \
		--entry entryA2
	expect proof-other 3 'verdict: invalid proof a2.tlog-proof' \
		--proof a2.tlog-proof --vkeys vkeys --entry entryA1
	expect proof-none 64 '' --proof a2.tlog-proof --vkeys vkeys
	cp a2.tlog-proof "$tmp/x"
	( sed -n 1p "$tmp/x"; echo "extra $(base64 -w0 entryA2)"
	  sed 1d "$tmp/x" ) >"$tmp/extra"
	sed 's/^index 2/index 1/' "$tmp/x" >"$tmp/index"
	sed 's/^index 2/index 3/' "$tmp/x" >"$tmp/beyond"
	sed 's/^index 2/index 02/' "$tmp/x" >"$tmp/zero"
	sed 's/^3$/4/' "$tmp/x" >"$tmp/size"
	cd "$tmp" || exit 1
	set -- --vkeys "$vectors/vkeys"
	expect proof-extra 0 "$good" --proof extra "$@"
	set -- "$@" --entry "$vectors/entryA2"
	expect proof-index 3 'verdict: invalid proof index' --proof index "$@"
	expect proof-beyond 3 'verdict: invalid proof beyond' --proof beyond "$@"
	expect proof-zero 3 'verdict: invalid syntax zero' --proof zero "$@"
	expect proof-size 3 'verdict: invalid signature size' --proof size "$@"
	expect proof-missing 74 '' --proof none "$@"
	# the witness's request holds the same checkpoint, after its own lines
	sed '1,/^$/d' "$vectors/add-checkpoint.req" >"$tmp/req"
	expect add-checkpoint 0 "$good" --note req --vkeys "$vectors/vkeys"
	# what the two say of who signed must agree: all three keys
	c_run --note "$vectors/checkpoint" --vkeys "$vectors/vkeys"
	check three-signers [ "$(grep -c 'signed by' "$tmp/out")" = 3 ]
}

# Proofs out of a record, against the cards of its sides
proofs() {
	/usr/bin/python3 "$here/make_corpus.py" --proofs "$tmp/p"
	cd "$tmp/p" || exit 1
	n=0
	set -- --card p.card --card q.card
	for f in *.tlog-proof; do
		n=$((n + 1))
		expect "proof $f" 0 'verdict: trusted' --proof "$f" "$@" \
			--entry "${f%.tlog-proof}.entry"
	done
	[ "$n" = 22 ] || { failed=$((failed + 1)); echo "FAIL proofs: $n"; }
	expect proof-other-feed 3 'verdict: invalid proof p1.tlog-proof' \
		--proof p1.tlog-proof "$@" --entry q1.entry
	expect proof-other-keys 3 'verdict: invalid signature p1.tlog-proof' \
		--proof p1.tlog-proof --vkeys "$vectors/vkeys" --entry p1.entry
	c_run --proof joint9.tlog-proof "$@" --entry joint9.entry
	check proof-cosigned [ "$(grep -c '^cosigned by' "$tmp/out")" = 2 ]
	cd "$here" || exit 1
}

# What git cannot hold, or what is no dossier
hostile() {
	story=$corpus/good-pivot-south/dossier
	copy() { rm -rf "$tmp/d"; cp -r "$story" "$tmp/d"; }

	copy
	mkfifo "$tmp/d/joint"
	expect fifo-name 3 'verdict: invalid unbound joint' "$tmp/d"
	copy
	rm "$tmp/d/dossier"
	mkfifo "$tmp/d/dossier"
	expect fifo 3 'verdict: invalid unbound dossier' "$tmp/d"
	copy
	rm -r "$tmp/d/blob"
	ln -s "$story/blob" "$tmp/d/blob"
	expect link-directory 3 'verdict: invalid unbound blob' "$tmp/d"
	copy
	ln -s /etc/passwd "$tmp/d/blob/$(printf %064d 7)"
	expect link-blob 3 "verdict: invalid unbound blob/$(printf %064d 7)" \
		"$tmp/d"
	copy
	: >"$tmp/d/$(printf 'a\033[31m\nverdict: trusted')"
	expect control-name 3 \
	'verdict: invalid unbound a\x1b[31m\x0averdict:\x20trusted' "$tmp/d"
	copy
	: >"$tmp/d/$(printf 'z%.0s' $(seq 255))"
	expect long-name 3 \
		"verdict: invalid unbound $(printf 'z%.0s' $(seq 255))" "$tmp/d"
	copy
	mkdir -p "$tmp/d/blob/$(printf 'a/%.0s' $(seq 200))"
	expect deep 3 'verdict: invalid unbound blob/a' "$tmp/d"
	copy
	truncate -s 3G "$tmp/d/proof.fork" "$tmp/d/card.north.example"
	expect sparse 3 'verdict: invalid unbound proof.fork' "$tmp/d"
	rm "$tmp/d/proof.fork"
	expect sparse-card 3 'verdict: invalid syntax card.north.example' \
		"$tmp/d"
	copy
	mkdir "$tmp/d/proof"
	truncate -s 4194304 "$tmp/d/proof/1.envelope"
	expect sparse-proof 3 'verdict: invalid proof proof/1.envelope' "$tmp/d"
	truncate -s 4194305 "$tmp/d/proof/1.envelope"
	expect large-proof 3 'verdict: invalid syntax proof/1.envelope' "$tmp/d"
	copy
	truncate -s 200M "$tmp/d/feed.north.example"
	expect sparse-feed 3 'verdict: invalid framing feed.north.example' \
		"$tmp/d"
	expect none 74 '' "$tmp/none"
	expect file 74 '' "$story/dossier"
	expect no-argument 64 ''
	expect two-arguments 64 '' "$story" "$story"
	expect bad-card 64 '' --card "$story/dossier" "$story"
	expect twice-card 64 '' --card "$story/card.north.example" \
		--card "$story/card.north.example" "$story"
	expect three-cards 64 '' --card "$story/card.north.example" \
		--card "$story/card.south.example" \
		--card "$story/card.south.example" "$story"
	expect no-card 74 '' --card "$tmp/none" "$story"
	sed 's/^check ..../check 0000/' \
		"$corpus/good-cards-whole/cards/0.card" >"$tmp/card"
	expect card-check 64 '' --card "$tmp/card" "$story"
	expect empty-directory 3 'verdict: invalid missing dossier' \
		"$(mkdir "$tmp/empty"; echo "$tmp/empty")"
}

has() { grep -q -- "$1" "$tmp/out"; }

# What people and programs are told beside the verdict
output() {
	c_run "$corpus/good-pivot-south/dossier"
	check warns has '^warning: the card of north.example was taken from'
	check pivot has '^side south.example (pivot), who exported this$'
	c_run --card "$corpus/good-card-one/cards/0.card" \
		"$corpus/good-card-one/dossier"
	check warns-of-one [ "$(grep -c ^warning: "$tmp/out")" = 1 ]
	c_run "$corpus/good-not-acknowledged/dossier"
	check beyond has 'entries 6 to 8: not yet acknowledged by north.example'
	c_run "$corpus/good-withheld-one/dossier"
	check blobs has '^blobs 1 held, 1 withheld$'
	c_run "$corpus/good-unknown-types/dossier"
	check unknown has '^  not_understood   10$'
	c_run "$corpus/good-unplaced/dossier"
	check unplaced has ', 3 unplaced$'
	for d in good-unicode unbound-space fork-joint syntax-card-crlf; do
		c_run --json "$corpus/$d/dossier"
		check "json-$d" /usr/bin/python3 -c '
import json, sys
doc = json.load(open(sys.argv[1]))
code, line = open(sys.argv[2]).read().splitlines()
say = " ".join(doc[k] for k in ("verdict", "host", "reason", "place")
               if k in doc)
sys.exit("verdict: " + say != line or doc["exit"] != int(code))' \
			"$tmp/out" "$corpus/$d/expect"
	done
	c_run --timeline "$corpus/good-crossing/dossier"
	check timeline-all [ "$(grep -vc '^#\|^verdict' "$tmp/out")" = 37 ]
	check timeline-concurrent has '^[0-9]* north.example [0-9]* .* concurrent notice'
	c_run --timeline "$corpus/good-unplaced/dossier"
	check timeline-unplaced [ "$(grep -c '^- north' "$tmp/out")" = 3 ]
	check timeline-mark has '^# unplaced: in the feed of north.example'
	c_run --timeline "$corpus/good-unicode/dossier"
	check timeline-escaped has 'P-2 "høring \\xc2\\x80'
	c_run --timeline "$corpus/syntax-card-crlf/dossier"
	check timeline-invalid [ "$(wc -l <"$tmp/out")" = 1 ]
}

dossiers
c2sp
proofs
hostile
output
echo "verify: $passed passed, $failed failed"
[ "$failed" = 0 ]
