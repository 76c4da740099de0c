#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Calls through sip_rig: what each side must hear, message by message."""
import hashlib
import os
import re
import subprocess
import time

from sip_lib import BIN, ROOT, SDP, Failure, Leg, Phone, Rig, check, run


def pair(*args, n=1, tcp=False):
    """A rig, the caller's telephone, and n that ring for 100."""
    rig = Rig(*args)
    callees = [Phone(rig) for _ in range(n)]
    rig.start(_100=callees, _200=[callees[-1]])
    return rig, Phone(rig, tcp), callees


def up(*args, offer=SDP % 1000, extra="", tcp=False):
    """An established call: (rig, caller's leg, callee's leg)."""
    rig, pa, (pb, *_) = pair(*args, tcp=tcp)
    a = Leg(pa, "100")
    a.request("INVITE", offer, extra)
    inv = pb.wait("INVITE")
    b = Leg(pb, invite=inv)
    pb.reply(inv, 200, SDP % 2000, "Allow: INVITE, UPDATE\r\n")
    a.learn(pa.wait(200))
    a.ack()
    pb.wait("ACK")
    return rig, a, b


def hang_up(rig, a, b):
    a.request("BYE")
    b.p.reply(b.p.wait("BYE"), 200)
    a.p.wait((200, "BYE"))
    n = rig.stop()
    check(n["open"] == 0, f"calls left open: {n}")


def basic():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    inv = pb.wait("INVITE")
    check(inv.body == SDP % 1000, "the offer was changed")
    check("timer" in inv.get("Supported") and "UPDATE" in inv.get("Allow"), "no extensions")
    pb.reply(inv, 180)
    pa.wait(180)
    pb.reply(inv, 200, SDP % 2000)
    ok = a.learn(pa.wait(200))
    check(ok.body == SDP % 2000, "the answer was changed")
    b = Leg(pb, invite=inv)
    a.ack()
    pb.wait("ACK")
    # they hang up, with a reason
    b.request("BYE", extra='Reason: Q.850;cause=16, SIP;cause=200;text="a, b"\r\n')
    pb.wait((200, "BYE"))
    bye = pa.wait("BYE")
    check(bye.get("Reason").startswith("SIP;cause=200"), f"Reason: {bye.get('Reason')}")
    pa.reply(bye, 200)
    check(rig.stop()["open"] == 0, "a call is left open")


def refused():
    rig, pa, (pb,) = pair()
    for code in (486, 404, 603):
        a = Leg(pa, "100")
        a.request("INVITE", SDP % 1000)
        inv = pb.wait("INVITE")
        pb.reply(inv, code)
        pb.wait("ACK")
        pa.wait(code)
        a.ack_failure()
    a = Leg(pa, "nobody")
    a.request("INVITE", SDP % 1000)
    pa.wait(404)
    a.ack_failure()
    check(rig.stop()["open"] == 0, "a call is left open")


def cancel_waits_for_provisional():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    inv = pb.wait("INVITE")
    a.cancel('Reason: SIP;cause=600;text="no more"\r\n')
    pa.wait((200, "CANCEL"))
    pa.wait((487, "INVITE"))
    a.ack_failure()
    pb.nothing(0.3)
    pb.reply(inv, 180)
    can = pb.wait("CANCEL")
    check(can.get("Via").split(";rport")[0] == inv.get("Via").split(";rport")[0],
          f"CANCEL's Via {can.get('Via')} is not INVITE's {inv.get('Via')}")
    check(can.uri == inv.uri and can.cseq[0] == inv.cseq[0], "CANCEL is not INVITE's")
    check(can.get("To") == inv.get("To"), "CANCEL's To is not INVITE's")
    check(can.get("Reason").startswith("SIP;cause=600"), f"Reason: {can.get('Reason')}")
    pb.wait_again("CANCEL")  # it is repeated till it is answered
    pb.reply(can, 200)
    pb.reply(inv, 487)
    pb.wait("ACK")
    check(rig.stop()["open"] == 0, "a call is left open")


def answer_crosses_cancel():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    inv = pb.wait("INVITE")
    pb.reply(inv, 180)
    pa.wait(180)
    a.cancel()
    can = pb.wait("CANCEL")
    pb.reply(can, 200)
    pb.reply(inv, 200, SDP % 2000)
    pb.wait("ACK")
    pb.reply(pb.wait("BYE"), 200)
    pa.wait((200, "CANCEL"))
    pa.wait((487, "INVITE"))
    a.ack_failure()
    check(rig.stop()["open"] == 0, "a call is left open")


def fork_first_wins():
    rig, pa, (b1, b2) = pair(n=2)
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    i1, i2 = b1.wait("INVITE"), b2.wait("INVITE")
    b1.reply(i1, 180)
    b2.reply(i2, 180)
    pa.wait(180)
    b2.reply(i2, 200, SDP % 2000)
    can = b1.wait("CANCEL")
    check('cause=200' in can.get("Reason"), f"Reason: {can.get('Reason')}")
    b1.reply(can, 200)
    b1.reply(i1, 487)
    b1.wait("ACK")
    a.learn(pa.wait(200, skip=(180,)))
    a.ack()
    b2.wait("ACK")
    hang_up(rig, a, Leg(b2, invite=i2))


def fork_second_200():
    rig, pa, (b1, b2) = pair(n=2)
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    i1, i2 = b1.wait("INVITE"), b2.wait("INVITE")
    b2.reply(i2, 180)
    pa.wait(180)
    b1.reply(i1, 200, SDP % 2000)
    b2.wait("CANCEL")
    b2.reply(i2, 200, SDP % 3000)  # it crossed
    b2.wait("ACK")
    b2.reply(b2.wait("BYE"), 200)
    b1.wait("ACK")
    # a proxy forked further: another 200 to the same INVITE
    b1.reply(i1, 200, SDP % 4000, tag="c")
    ack = b1.wait("ACK")
    check(ack.tag("To") == "c", "ACK is for another")
    bye = b1.wait("BYE")
    check(bye.tag("To") == "c", "BYE is for another")
    b1.reply(bye, 200)
    a.learn(pa.wait(200))
    a.ack()
    pa.nothing(0.1)
    hang_up(rig, a, Leg(b1, invite=i1))


def all_refuse():
    rig, pa, (b1, b2) = pair(n=2)
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    i1, i2 = b1.wait("INVITE"), b2.wait("INVITE")
    b1.reply(i1, 404)
    pa.nothing(0.2)
    b2.reply(i2, 486)
    pa.wait(486)
    a.ack_failure()
    check(rig.stop()["open"] == 0, "a call is left open")


def answer_comes_late():
    """Ringing for longer than a transaction's T1; the 2xx is repeated till ACK."""
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    inv = pb.wait("INVITE")
    pb.reply(inv, 180)
    pa.wait(180)
    pb.nothing(1.2)  # no INVITE again
    pb.reply(inv, 200, SDP % 2000)
    a.learn(pa.wait(200))
    pa.wait_again(200, 1.0)
    a.ack()
    pb.wait("ACK")
    pb.reply(inv, 200, SDP % 2000)  # the ACK was lost
    ack = pb.wait("ACK")
    check(ack.cseq[0] == inv.cseq[0], "not the ACK of this INVITE")
    hang_up(rig, a, Leg(pb, invite=inv))


def prack():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000, "Supported: 100rel\r\nAllow: UPDATE\r\n")
    inv = pb.wait("INVITE")
    check("100rel" in inv.get("Supported"), "100rel is not offered")
    rel = "Require: 100rel\r\nRSeq: %d\r\nAllow: UPDATE, PRACK\r\n"
    pb.reply(inv, 183, SDP % 2000, rel % 41)
    pr = pb.wait("PRACK")
    check(pr.get("RAck") == f"41 {inv.cseq[0]} INVITE", f"RAck: {pr.get('RAck')}")
    pb.reply(pr, 200)
    pb.reply(inv, 183, SDP % 2000, rel % 41)  # again: no second PRACK
    pb.reply(inv, 180, None, rel % 43)  # before its turn
    pb.nothing(0.3)
    m = a.learn(pa.wait(183))
    check("100rel" in m.get("Require") and m.body == SDP % 2000, "not reliable")
    pa.wait_again(183, 1.2)
    # answered before PRACK: the 200 waits
    pb.reply(inv, 200)
    pb.wait("ACK")
    pa.nothing(0.2)
    a.request("PRACK", extra=f"RAck: 77 {a.invite_cseq} INVITE\r\n")
    pa.wait((481, "PRACK"))
    a.request("PRACK", extra=f"RAck: {m.get('RSeq')} {a.invite_cseq} INVITE\r\n")
    pa.wait((200, "PRACK"))
    pa.wait((200, "INVITE"))
    a.ack()
    hang_up(rig, a, Leg(pb, invite=inv))


def update_early():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000, "Supported: 100rel\r\nAllow: UPDATE\r\n")
    inv = pb.wait("INVITE")
    pb.reply(inv, 183, SDP % 2000, "Require: 100rel\r\nRSeq: 1\r\nAllow: UPDATE\r\n")
    pb.reply(pb.wait("PRACK"), 200)
    m = a.learn(pa.wait(183))
    a.request("PRACK", extra=f"RAck: {m.get('RSeq')} {a.invite_cseq} INVITE\r\n")
    pa.wait((200, "PRACK"))
    # the callee changes its mind while it rings
    b = Leg(pb, invite=inv)
    b.request("UPDATE", SDP % 2002)
    ua = pa.wait("UPDATE")
    check(ua.body == SDP % 2002, "the offer was changed")
    # meanwhile the caller wants something too
    a.request("UPDATE", SDP % 1002)
    pa.wait((491, "UPDATE"))
    pa.reply(ua, 200, SDP % 1001)
    ok = pb.wait((200, "UPDATE"))
    check(ok.body == SDP % 1001, "the answer was changed")
    pb.reply(inv, 200)
    pb.wait("ACK")
    pa.wait((200, "INVITE"))
    a.ack()
    hang_up(rig, a, b)


def reinvite_488():
    rig, a, b = up()
    a.request("INVITE", "v=0\r\nm=image 5000 udptl t38\r\n")
    re1 = b.p.wait("INVITE")
    check("udptl" in re1.body, "the offer was changed")
    a.p.nothing(1.5)  # seconds pass before they decide
    b.p.reply(re1, 488)
    b.p.wait("ACK")
    a.p.wait(488)
    a.ack_failure()
    # the call stands: a change they like
    a.request("INVITE", SDP % 1004)
    re2 = b.p.wait("INVITE")
    b.p.reply(re2, 200, SDP % 2004)
    ok = a.p.wait(200)
    check(ok.body == SDP % 2004, "the answer was changed")
    a.ack()
    b.p.wait("ACK")
    hang_up(rig, a, b)


def glare():
    rig, a, b = up()
    b.request("INVITE", SDP % 2006)
    ra = a.p.wait("INVITE")
    # the caller asks at the same time
    a.request("INVITE", SDP % 1006)
    a.p.wait((491, "INVITE"))
    a.ack_failure()
    a.p.reply(ra, 491)
    a.p.wait("ACK")
    start = time.monotonic()
    again = a.p.wait("INVITE", 3)
    # the rig is the callee here: 0 to 2 s
    check(time.monotonic() - start < 2.3, "too late")
    check(again.body == SDP % 2006, "another offer")
    a.p.reply(again, 200, SDP % 1007)
    a.p.wait("ACK")
    ok = b.p.wait((200, "INVITE"))
    check(ok.body == SDP % 1007, "the answer was changed")
    b.ack()
    # the same towards the callee, where the rig owns the Call-ID: 2.1 to 4 s
    a.request("INVITE", SDP % 1008)
    rb = b.p.wait("INVITE")
    b.p.reply(rb, 491)
    b.p.wait("ACK")
    start = time.monotonic()
    again = b.p.wait("INVITE", 5)
    check(2.0 < time.monotonic() - start < 4.3, f"after {time.monotonic() - start:.1f} s")
    b.p.reply(again, 200, SDP % 2008)
    b.p.wait("ACK")
    a.p.wait((200, "INVITE"))
    a.ack()
    hang_up(rig, a, b)


def second_invite_inside():
    rig, a, b = up()
    a.request("INVITE", SDP % 1010)
    rb = b.p.wait("INVITE")
    first = a.invite_cseq, a.invite_branch
    a.request("INVITE", SDP % 1011)  # before the first is answered
    m = a.p.wait((500, "INVITE"))
    check(m.get("Retry-After").isdigit(), "no Retry-After")
    a.ack_failure()
    a.request("UPDATE", SDP % 1012)
    a.p.wait((500, "UPDATE"))
    b.p.reply(rb, 200, SDP % 2010)
    b.p.wait("ACK")
    a.p.wait((200, "INVITE"))
    a.invite_cseq, a.invite_branch = first
    a.ack()
    # an old CSeq
    a.request("INFO", cseq=1)
    a.p.wait((500, "INFO"))
    hang_up(rig, a, b)


def session_timer():
    rig, pa, (pb,) = pair("-e", "1800", "-m", "120")
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000, "Supported: timer\r\nSession-Expires: 90\r\n")
    m = pa.wait(422)
    check(m.get("Min-SE") == "120", f"Min-SE: {m.get('Min-SE')}")
    a.ack_failure()
    a.request("INVITE", SDP % 1000,
              "Supported: timer\r\nSession-Expires: 300;refresher=uac\r\nAllow: UPDATE\r\n")
    inv = pb.wait("INVITE")
    check(inv.get("Session-Expires") == "1800" and inv.get("Min-SE") == "120", "terms to b")
    pb.reply(inv, 422, None, "Min-SE: 3600\r\n")
    pb.wait("ACK")
    inv = pb.wait("INVITE")
    check(inv.get("Session-Expires") == "3600", "not what 422 asked for")
    pb.reply(inv, 200, SDP % 2000, "Session-Expires: 3600;refresher=uas\r\nRequire: timer\r\n")
    pb.wait("ACK")
    ok = a.learn(pa.wait(200))
    check(ok.get("Session-Expires") == "300;refresher=uac", ok.get("Session-Expires"))
    check("timer" in ok.get("Require"), "the caller is to refresh and is not told")
    a.ack()
    # refreshed by them, without a body
    a.request("UPDATE", extra="Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n")
    ok = pa.wait((200, "UPDATE"))
    check(ok.get("Session-Expires") == "300;refresher=uac" and not ok.body, "bad refresh")
    a.request("UPDATE", extra="Supported: timer\r\nSession-Expires: 60\r\n")
    pa.wait((422, "UPDATE"))
    pb.nothing(0.1)
    hang_up(rig, a, Leg(pb, invite=inv))


def session_expires():
    """A minute long, so only by name: we refresh, they do not."""
    rig, pa, (pb,) = pair("-e", "90")
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
    inv = pb.wait("INVITE")
    pb.reply(inv, 200, SDP % 2000,
             "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\nAllow: UPDATE\r\n")
    pb.wait("ACK")
    a.learn(pa.wait(200))
    a.ack()
    start = time.monotonic()
    m = pb.wait("UPDATE", 50)
    check(44 < time.monotonic() - start < 47, "not at half time")
    check(not m.body and m.get("Session-Expires") == "90;refresher=uac", "not a refresh")
    pb.reply(m, 200, None, "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n")
    bye = pa.wait("BYE", 20)
    check(59 < time.monotonic() - start < 62, "not a third before the end")
    check(bye.get("Reason").startswith("SIP;cause=408"), f"Reason: {bye.get('Reason')}")
    pa.reply(bye, 200)
    pb.reply(pb.wait("BYE"), 200)
    check(rig.stop()["open"] == 0, "a call is left open")


def late_offer():
    rig, pa, (pb,) = pair()
    a = Leg(pa, "100")
    a.request("INVITE")
    inv = pb.wait("INVITE")
    check(not inv.body and "100rel" not in inv.get("Supported"), "not without an offer")
    pb.reply(inv, 200, SDP % 2000)
    ok = a.learn(pa.wait(200))
    check(ok.body == SDP % 2000, "their offer was changed")
    pb.nothing(0.2)  # ACK waits for the caller's answer
    a.ack(SDP % 1000)
    ack = pb.wait("ACK")
    check(ack.body == SDP % 1000, "the answer was changed")
    b = Leg(pb, invite=inv)
    # and in a re-INVITE
    b.request("INVITE")
    ra = pa.wait("INVITE")
    check(not ra.body, "not without an offer")
    pa.reply(ra, 200, SDP % 1020)
    ok = pb.wait((200, "INVITE"))
    check(ok.body == SDP % 1020, "their offer was changed")
    b.ack(SDP % 2020)
    check(pa.wait("ACK").body == SDP % 2020, "the answer was changed")
    hang_up(rig, a, b)


def info_and_unknown():
    rig, a, b = up()
    a.request("INFO", type_="application/dtmf-relay", body="Signal=5\r\nDuration=160\r\n")
    a.p.wait((200, "INFO"))
    m = b.p.wait("INFO")
    check(m.body == "Signal=5\r\nDuration=160\r\n", "another body")
    b.p.reply(m, 200)
    a.request("MESSAGE")
    m = a.p.wait(405)
    check("INVITE" in m.get("Allow"), "no Allow")
    a.request("OPTIONS")
    a.p.wait((200, "OPTIONS"))
    # a dialog that is not
    x = Leg(a.p, "100")
    x.remote += ";tag=zz"
    for method in ("BYE", "INVITE", "UPDATE", "INFO"):
        x.request(method)
        a.p.wait((481, method))
    hang_up(rig, a, b)


def refer():
    rig, pa, (pb, pc) = pair(n=2)
    a = Leg(pa, "200")  # rings pc alone
    a.request("INVITE", SDP % 1000)
    inv = pc.wait("INVITE")
    pc.reply(inv, 200, SDP % 3000)
    pc.wait("ACK")
    a.learn(pa.wait(200))
    a.ack()
    c = Leg(pc, invite=inv)
    a.request("REFER", extra="Refer-To: <sip:nobody@127.0.0.1>\r\n")
    pa.wait((404, "REFER"))
    a.request("REFER")
    pa.wait((400, "REFER"))
    a.request("REFER", extra="Refer-To: <sip:100@127.0.0.1>\r\n")
    pa.wait((202, "REFER"))
    note = pa.wait("NOTIFY")
    check("100 Trying" in note.body and "active" in note.get("Subscription-State"), "NOTIFY")
    pa.reply(note, 200)
    inv, too = pb.wait("INVITE"), pc.wait("INVITE")  # 100 rings both
    pc.reply(too, 180)
    check(inv.body == SDP % 3000, "not what the one who stays can hear")
    pb.reply(inv, 200, SDP % 2000)
    pb.wait("ACK")
    can = pc.wait("CANCEL")
    pc.reply(can, 200)
    pc.reply(too, 487)
    re1 = pc.wait("INVITE")
    pc.wait("ACK")
    check(re1.body == SDP % 2000 and re1.get("Call-ID") == c.callid, "not a re-INVITE of c's")
    pc.reply(re1, 200, SDP % 3001)
    pc.wait("ACK")
    note = pa.wait("NOTIFY")
    check("200 OK" in note.body and "terminated" in note.get("Subscription-State"), "NOTIFY")
    pa.reply(note, 200)
    a.request("BYE")
    pa.wait((200, "BYE"))
    c.request("BYE")
    pc.wait((200, "BYE"))
    pb.reply(pb.wait("BYE"), 200)
    check(rig.stop()["open"] == 0, "a call is left open")


def contact_behind_nat():
    """A Contact that leads nowhere: over the stream all the same."""
    rig, pa, (pb,) = pair(tcp=True)
    real = Phone.contact
    Phone.contact = property(lambda p: "sip:p@192.0.2.9:5060;transport=tcp" if p.tcp
                             else real.fget(p))
    try:
        a = Leg(pa, "100")
        a.request("INVITE", SDP % 1000)
        inv = pb.wait("INVITE")
        pb.reply(inv, 200, SDP % 2000)
        a.learn(pa.wait(200))
        a.ack()
        pb.wait("ACK")
        b = Leg(pb, invite=inv)
        b.request("BYE")
        pb.wait((200, "BYE"))
        bye = pa.wait("BYE")
        check(bye.uri == f"sip:p@127.0.0.1:{pa.port};transport=tcp", f"to {bye.uri}")
        pa.reply(bye, 200)
    finally:
        Phone.contact = real
    check(rig.stop()["open"] == 0, "a call is left open")


def dead_stream():
    rig, a, b = up(tcp=True)
    a.p.close()
    b.p.nothing(0.3)  # voice may go on: idle streams are closed by many
    start = time.monotonic()
    b.request("INVITE", SDP % 2000)
    b.p.wait((503, "INVITE"))
    b.ack_failure()
    b.request("BYE")
    b.p.wait((200, "BYE"))
    check(time.monotonic() - start < 1, "not at once")
    check(rig.stop()["open"] == 0, "a call is left open")


def too_many():
    rig, pa, (pb,) = pair("-n", "1")
    a = Leg(pa, "100")
    a.request("INVITE", SDP % 1000)
    inv = pb.wait("INVITE")
    x = Leg(pa, "100")
    x.request("INVITE", SDP % 1000)
    m = pa.wait(503)
    check(m.get("Retry-After") == "5", "no Retry-After")
    x.ack_failure()
    pb.reply(inv, 486)
    pb.wait("ACK")
    pa.wait(486)
    a.ack_failure()
    check(rig.stop()["open"] == 0, "a call is left open")


# Answers from outside; what is not here gets none, or depends on state
TORTURE = {"intmeth": 405, "esc02": 405, "mpart01": 405, "clerr": 400, "ncl": 400,
           "scalar02": 400, "quotbal": 400, "escruri": 400, "badaspec": 400,
           "mismatch01": 400, "mismatch02": 400, "insuf": 400, "unkscm": 416, "novelsc": 416,
           "bext01": 420, "invut": 415, "multi01": 400, "mcl01": 400, "zeromf": 483,
           "sdp01": 406, "lwsdisp": 200, "transports": 200, "badvers": 505, "lwsruri": 400,
           "lwsstart": 400, "trws": 400, "semiuri": 200, "badbranch": 200}


def torture():
    """On a real socket: each message has its answer, and the rig goes on."""
    rig, pa, _ = pair()
    for f in sorted((ROOT / "test/data/torture").glob("*.dat")):
        raw = f.read_bytes()
        # Some share branch and host, as if they were one message; rport brings
        # the answer to us
        raw = re.sub(rb"(?im)^(via *: *SIP/[0-9.]+/)\w+ +[^;\r\n ]+",
                     rb"\g<1>UDP %s.invalid;rport" % f.stem.encode(), raw, count=1)
        pa.send(raw)
        want = TORTURE.get(f.stem)
        if want:
            try:
                m = pa.wait(want, 2, skip=(481,))
            except Failure as e:
                raise Failure(f"{f.stem}: {e}") from e
            check(want != 400 or m.first != "SIP/2.0 400 Bad Request", f"{f.stem}: names nothing")
        x = Leg(pa, "100")
        x.request("OPTIONS")
        pa.wait((200, "OPTIONS"), 2, skip=[c for c in range(400, 500)])
    check(rig.stop()["open"] == 0, "a call is left open")


def digest(alg, user, password, method, uri, nonce, nc, realm="rig"):
    h = (lambda s: hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[alg], s.encode()).hexdigest())
    ha1, ha2 = h(f"{user}:{realm}:{password}"), h(f"{method}:{uri}")
    r = h(f"{ha1}:{nonce}:{nc:08x}:cafe:auth:{ha2}")
    return (f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", '
            f'uri="{uri}", response="{r}", algorithm={alg}, cnonce="cafe", qop=auth, '
            f"nc={nc:08x}\r\n")


class Station:
    """A telephone that registers."""

    def __init__(self, rig, user, password="secret", tcp=False):
        self.p, self.user, self.password = Phone(rig, tcp), user, password
        self.leg, self.nc, self.nonce = Leg(self.p, user), 0, None
        self.leg.target = f"sip:127.0.0.1:{rig.port}"
        self.leg.local = f"<sip:{user}@127.0.0.1>;tag=r{self.p.port}"
        self.leg.remote = f"<sip:{user}@127.0.0.1>"
        self.contact = f"sip:{user}@127.0.0.1:{self.p.port}"

    def challenged(self, alg="SHA-256"):
        m = self.p.wait((401, "REGISTER"))
        both = m.all("WWW-Authenticate")
        check("SHA-256" in both[0] and "MD5" in both[1], "not both algorithms, the better first")
        self.nonce, self.nc = re.search(r'nonce="(\w+)"', both[0])[1], 0
        return m

    def register(self, contact=None, expires=3600, alg="SHA-256", nc=None, extra="", password=None,
                 user=None):
        self.nc += 1
        auth = digest(alg, user or self.user, password or self.password, "REGISTER",
                      self.leg.target, self.nonce, nc or self.nc) if self.nonce else ""
        self.leg.request("REGISTER", extra=f"X-Contact: y\r\nExpires: {expires}\r\n" + auth + extra)


def accounts():
    rig = Rig("-a", "7:secret", "-a", "8:secret")
    rig.start()
    a = Station(rig, "7")
    a.register()
    a.challenged()
    a.register()
    ok = a.p.wait((200, "REGISTER"))
    check(f"127.0.0.1:{a.p.port}" in ok.get("Contact") and "expires=3600" in ok.get("Contact"),
          f"Contact: {ok.get('Contact')}")
    # the same nonce with the same nc: replay
    a.register(nc=1)
    m = a.challenged()
    check("stale=true" in m.get("WWW-Authenticate"), "a replay is not stale")
    a.register(alg="MD5")
    a.p.wait((200, "REGISTER"))
    a.register(password="wrong")
    m = a.challenged()
    check("stale" not in m.get("WWW-Authenticate"), "a wrong password is stale")
    a.register(user="8")
    a.p.wait((403, "REGISTER"))  # with a right password, for another's account
    a.register(user="nobody")
    a.challenged()
    a.register(expires=30)
    m = a.p.wait((423, "REGISTER"))
    check(m.get("Min-Expires") == "60", "no Min-Expires")
    a.register(expires=0)
    check(not a.p.wait((200, "REGISTER")).get("Contact"), "it stayed")
    check(rig.stop()["open"] == 0, "a call is left open")


def too_many_contacts():
    rig = Rig("-a", "7:secret")
    rig.start()
    a = Station(rig, "7")
    a.register()
    a.challenged()
    for i in range(9):
        a.register(extra=f"m: <sip:7@127.0.0.{i + 2}:5060>\r\n" if i else "")
        if i < 8:
            a.p.wait((200, "REGISTER"))
    a.p.wait((403, "REGISTER"))
    check(rig.stop()["open"] == 0, "a call is left open")


def station_calls_station():
    rig = Rig("-a", "7:secret", "-a", "8:secret")
    rig.start()
    a, b = Station(rig, "7"), Station(rig, "8", tcp=True)
    for s in (a, b):
        s.register()
        s.challenged()
        s.register()
        s.p.wait((200, "REGISTER"))
    call = Leg(a.p, "8")
    call.request("INVITE", SDP % 1000)
    m = a.p.wait((401, "INVITE"))
    call.ack_failure()
    nonce = re.search(r'nonce="(\w+)"', m.get("WWW-Authenticate"))[1]
    call.request("INVITE", SDP % 1000,
                 digest("SHA-256", "7", "secret", "INVITE", call.target, nonce, 1))
    inv = b.p.wait("INVITE")  # over the stream that they opened
    b.p.reply(inv, 200, SDP % 2000)
    call.learn(a.p.wait(200))
    call.ack()
    b.p.wait("ACK")
    call.request("BYE")
    b.p.reply(b.p.wait("BYE"), 200)
    a.p.wait((200, "BYE"))
    # ringing on a stream that dies: at once, not after 32 s
    call = Leg(a.p, "8")
    call.request("INVITE", SDP % 1000,
                 digest("SHA-256", "7", "secret", "INVITE", call.target, nonce, 2))
    b.p.wait("INVITE")
    b.p.close()
    start = time.monotonic()
    a.p.wait(503)
    check(time.monotonic() - start < 1, "not at once")
    call.ack_failure()
    # and is registered no more
    call = Leg(a.p, "8")
    call.request("INVITE", SDP % 1000,
                 digest("SHA-256", "7", "secret", "INVITE", call.target, nonce, 3))
    a.p.wait(404)
    call.ack_failure()
    check(rig.stop()["open"] == 0, "a call is left open")


def floods_are_dropped():
    rig = Rig("-a", "7:secret", "-r", "5")
    rig.start()
    a = Station(rig, "7")
    for _ in range(40):
        a.register()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        a.p._read(end - time.monotonic())
    got = sum(m.code == 401 for m in a.p.queue)
    check(10 <= got <= 18, f"{got} of 40 were answered")
    n = rig.stop()
    check(n["sources_refused"] >= 22, f"{n}")


def nua():
    """sofia-sip on both sides: PRACK, hold, UPDATE, INFO, BYE."""
    program = BIN / "test/system/sip_nua"
    if not program.exists():
        raise Failure("sip_nua is not built: libsofia-sip-ua-dev is not installed")
    rig = Rig("-e", "300")
    b_port, a_port = (str(Rig().port) for _ in range(2))
    rig.start(_100=[f"sip:100@127.0.0.1:{b_port}"])
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # its library's
    b = subprocess.Popen([program, b_port, "answer"], stdout=subprocess.PIPE, text=True, env=env)
    try:
        check(b.stdout.readline() == "ready\n", "sip_nua does not start")
        a = subprocess.run([program, a_port, "call", f"sip:100@127.0.0.1:{rig.port}"],
                           capture_output=True, text=True, timeout=20, check=False, env=env)
        heard, _ = b.communicate(timeout=10)
    finally:
        b.kill()
    check(a.stdout.split("\n")[1:-1] == ["pracked 200", "invite 200", "invite 200", "update 200",
                                         "info 200", "bye 200"], a.stdout)
    check(heard.split("\n")[:-1] == ["prack 200", "reinvite 200", "reinvite 200", "informed 200",
                                     "bye 200"], heard)
    check(a.returncode == 0 and b.returncode == 0, "it did not end well")
    check(rig.stop()["open"] == 0, "a call is left open")


def sipp():
    """A peer of another make, 100 calls."""
    rig = Rig()
    uas, uac = (Rig().port for _ in range(2))
    rig.start(_100=[f"sip:100@127.0.0.1:{uas}"])
    data = ROOT / "test/data/sipp"
    common = ["-i", "127.0.0.1", "-nostdin", "-m", "100"]
    server = subprocess.Popen(["sipp", "-sf", data / "uas.xml", "-p", str(uas), *common],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL)
    try:
        client = subprocess.run(
            ["sipp", "-sf", data / "uac.xml", "-p", str(uac), *common, "-r", "100", "-d", "20",
             "-s", "100", "-timeout", "20", f"127.0.0.1:{rig.port}"],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
        check(client.returncode == 0, f"sipp ended with {client.returncode}")
        server.wait(timeout=10)
    finally:
        server.kill()
    n = rig.stop()
    check(n["answered"] == 100 and n["open"] == 0, f"{n}")


run([basic, refused, cancel_waits_for_provisional, answer_crosses_cancel, fork_first_wins,
     fork_second_200, all_refuse, answer_comes_late, prack, update_early, reinvite_488, glare,
     second_invite_inside, session_timer, late_offer, info_and_unknown, refer, contact_behind_nat, dead_stream,
     too_many, accounts, too_many_contacts, station_calls_station,
     floods_are_dropped, torture, nua, sipp], by_name=[session_expires])
