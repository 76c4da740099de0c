#!/bin/sh
# No global of ours may have the name of one that a library we link exports:
# the linker would take one of the two, and say nothing.
# usage: symbols.sh BUILD_DIRECTORY      e.g. build/gcc
set -eu
build=${1:-build/gcc}
libs='crypto ssl sqlite3 microhttpd jansson curl seccomp re'
# On purpose ours in libre's place (src/sip/timer.h, decode.c)
instead='tmr_start tmr_cancel tmr_poll tmr_next_timeout tmr_jiffies sip_msg_decode'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0 failed=0
find "$build/src" -name '*.o' -exec nm -A -g --defined-only {} + |
	sed 's/:[0-9a-f ]* . / /' | awk '$2 != "main" { print $2, $1 }' |
	sort > "$work/ours"
if [ ! -s "$work/ours" ]; then
	echo "symbols: nothing is built in $build"
	exit 1
fi
for lib in $libs; do
	file=$(${CC:-gcc} -print-file-name="lib$lib.so")
	case $file in
	/*) ;;
	*)	echo "symbols: lib$lib.so is not installed (tools/deps.sh)"
		failed=$((failed + 1))
		continue ;;
	esac
	nm -D --defined-only "$file" | awk '{ sub(/@.*/, "", $3); print $3 }' |
		sort -u > "$work/theirs"
	if [ "$lib" = re ]; then
		printf '%s\n' $instead | sort > "$work/instead"
		join -v 1 "$work/theirs" "$work/instead" > "$work/rest"
		mv "$work/rest" "$work/theirs"
	fi
	if [ ! -s "$work/theirs" ]; then
		echo "symbols: lib$lib.so exports nothing that nm can read"
		failed=$((failed + 1))
		continue
	fi
	join "$work/ours" "$work/theirs" > "$work/both"
	if [ -s "$work/both" ]; then
		sed "s/\\(.*\\) \\(.*\\)/\\2: \\1 is also in lib$lib.so/" "$work/both"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
done
echo "symbols: $passed passed, $failed failed"
[ "$failed" = 0 ]
