#!/bin/bash
# SPDX-License-Identifier: ISC
# Peer: Kamailio 5.6 (proxy, record-route) with rtpengine 10.5 relaying all media in
# user space (kernel forwarding off), from Debian bookworm.
#   100@  caller -> proxy -> callee, plain RTP on both legs
#   200@  the same, SRTP (SDES) on the callee's leg
# PEER_CPUS pins both; RTPE_THREADS sets rtpengine's media threads.
. "$(dirname "$0")/lib.sh"
DIR=$PEERS_ROOT/kamailio
RTPE_THREADS=${RTPE_THREADS:-2}
KAM_CHILDREN=${KAM_CHILDREN:-4}

peer_install() { apt_install kamailio rtpengine-daemon; peer_version; }
peer_version() { rtpengine --version 2>&1 | sed 's/^/rtpengine /'; kamailio -v | head -1; }

configure() {
    mkdir -p "$DIR"
    cat > "$DIR/kamailio.cfg" <<C
#!KAMAILIO
debug=0
log_stderror=yes
children=$KAM_CHILDREN
tcp_children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:$KAM_SIP_PORT
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rr", "enable_full_lr", 1)
modparam("tm", "fr_timer", 10000)
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:$RTPE_NG_PORT")
modparam("rtpengine", "rtpengine_tout_ms", 2000)

request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483","Too Many Hops"); exit; }
    if (is_method("OPTIONS")) { sl_send_reply("200","OK"); exit; }
    if (has_totag()) {
        if (loose_route()) {
            if (is_method("BYE")) rtpengine_delete();
            t_relay(); exit;
        }
        if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
        sl_send_reply("404","Not here"); exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) { rtpengine_delete(); t_relay(); } exit; }
    if (!is_method("INVITE")) { sl_send_reply("405","Method Not Allowed"); exit; }
    record_route();
    if (\$rU == "200") {
        setflag(1);
        rtpengine_offer("replace-origin replace-session-connection ICE=remove DTLS=off RTP/SAVP");
    } else {
        rtpengine_offer("replace-origin replace-session-connection ICE=remove RTP/AVP");
    }
    \$ru = "sip:uas@127.0.0.1:$UAS_PORT";
    t_on_reply("1");
    t_on_failure("1");
    t_relay();
}
onreply_route[1] {
    if (has_body("application/sdp"))
        rtpengine_answer("replace-origin replace-session-connection ICE=remove RTP/AVP");
}
failure_route[1] { rtpengine_delete(); }
C
    printf '[rtpengine]\n' > "$DIR/rtpengine.conf"
}

peer_start() {
    need_root
    command -v kamailio >/dev/null && command -v rtpengine >/dev/null || die "not installed: run '$0 install'"
    configure
    ulimit -n "$(ulimit -Hn)"
    spawn rtpengine rtpengine --config-file="$DIR/rtpengine.conf" --foreground --log-stderr --log-level=2 \
        --table=-1 --interface=127.0.0.1 --listen-ng=127.0.0.1:"$RTPE_NG_PORT" \
        --listen-cli=127.0.0.1:"$RTPE_CLI_PORT" --timeout=300 --silent-timeout=600 --delete-delay=0 \
        --port-min="$RTPE_RTP_MIN" --port-max="$RTPE_RTP_MAX" --num-threads="$RTPE_THREADS"
    wait_udp "$RTPE_NG_PORT" || { tail -5 "$PEERS_RUN/rtpengine.log"; peer_stop; die "rtpengine did not start"; }
    spawn kamailio kamailio -f "$DIR/kamailio.cfg" -DD -E -m 256 -M 16 -Y "$DIR" -P "$DIR/kamailio.pid"
    wait_udp "$KAM_SIP_PORT" || { tail -5 "$PEERS_RUN/kamailio.log"; peer_stop; die "kamailio did not start"; }
    note "sip:127.0.0.1:$KAM_SIP_PORT (100 plain, 200 SRTP to callee 127.0.0.1:$UAS_PORT)"
}
peer_stop() { halt kamailio; halt rtpengine; }

case ${1:-} in
    cpu)    echo "kamailio $(cpu kamailio) rtpengine $(cpu rtpengine)" ;;
    pids)   pids kamailio; pids rtpengine ;;
    status) alive kamailio && alive rtpengine && echo running || { echo stopped; exit 3; } ;;
    *)      dispatch kamailio "$@" ;;
esac
