#!/bin/bash
# Install what is missing to build (build), to see the demo (demo) or to run
# every check (check).  Debian 12 and 13; elsewhere it only looks.
# usage: tools/deps.sh [build|demo|check]
set -u
purpose=${1:-build}
build=(gcc libc6-dev make pkg-config libssl-dev libsqlite3-dev libmicrohttpd-dev
	libjansson-dev libcurl4-gnutls-dev libseccomp-dev libre-dev)
demo=(iproute2 procps curl openssl python3 tzdata mandoc)
check=(clang llvm clang-tidy binutils file iproute2 util-linux python3-cryptography
	python3-pylibsrtp sip-tester libsofia-sip-ua-dev libxml2-utils)

want=("${build[@]}")
[ "$purpose" = build ] || want+=("${demo[@]}")
[ "$purpose" = check ] && want+=("${check[@]}")

id=$(sed -n 's/^ID=//p' /etc/os-release 2> /dev/null)
version=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release 2> /dev/null)
if [ "$id" != debian ] || ! command -v apt-get > /dev/null; then
	if pkg-config --exists libssl sqlite3 libmicrohttpd jansson libcurl libseccomp \
		libre
	then
		exit 0
	fi
	echo "This is not Debian: install the development files of OpenSSL 3, SQLite," \
		"libmicrohttpd, jansson, libcurl, libseccomp and libre 1.1 or 2.0, then run this again." >&2
	exit 1
fi
case $version in
12)	[ "$purpose" = check ] && want+=(clang-format-14 libclang-rt-14-dev) ;;
13)	[ "$purpose" = check ] && want+=(libclang-rt-dev) ;;
*)	echo "Debian $version is not one of those tried (12, 13); going on." >&2 ;;
esac

have() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2> /dev/null | grep -qx installed; }
missing=()
for p in "${want[@]}"; do
	have "$p" || missing+=("$p")
done
[ ${#missing[@]} = 0 ] && exit 0

root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo > /dev/null || {
		echo "Missing packages: ${missing[*]}" >&2
		echo "Neither root nor sudo is here; nothing was installed. As root:" >&2
		echo "  apt-get install ${missing[*]}" >&2
		exit 1
	}
	root=(sudo)
fi
echo "Installing what is missing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt() { ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" < /dev/null; }
apt install -y --no-install-recommends "${missing[@]}" > /dev/null 2>&1 && exit 0
# The lists may be old, or missing altogether
apt update > /dev/null
apt install -y --no-install-recommends "${missing[@]}" > /dev/null && exit 0
echo "apt-get could not install them; the lines above say why." >&2
exit 1
