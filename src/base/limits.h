/* SPDX-License-Identifier: ISC */
/**
 * @file limits.h  Every limit of Ringdown in one place, unit in the name
 *
 * Each line says what happens when the limit is hit.  A limit that the other
 * side can reach is part of the protocol (docs/protocol.md, docs/record.md).
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Each number has its comment beside it */
/* clang-format off */

/* Names */
#define HOST_CHARS_MAX 63	/* longer: the card or configuration is refused */
#define ORIGIN_CHARS_MAX 192	/* 63 + "/ringdown/" + 63 + "/" + 32, and NUL */
#define VKEY_CHARS_MAX 256	/* name + 8 hex + base64 of 33 bytes, and NUL */
#define ID_CHARS_MAX 64		/* an item's id; longer: 400 to the client */
#define VALUE_BYTES_MAX 1024	/* one field of an entry; longer: not an entry */

/* Record */
#define ENTRY_BYTES_MAX 49152	/* longer: not an entry; a frame holds one */
#define ENTRY_FIELDS_MAX 64	/* more: not an entry */
#define NOTE_BYTES_MAX 16384	/* longer: not a note */
#define NOTE_SIGS_MAX 16	/* more lines: not a note */
#define CARD_BYTES_MAX 4096	/* longer: not a card */
#define CARD_ADDRESSES_MAX 8	/* more: not a card */
#define BATCH_ENTRIES_MAX 1024	/* entries under one new checkpoint; more: the
				   peer's session ends with a protocol error */
#define BATCH_BYTES_MAX 2097152 /* their bytes with bodies; as above */
#define BODY_INLINE_MAX 8192	/* stored body that travels with its entry;
				   longer ones are asked for (WANT) */
#define BODY_ROW_MAX 32768	/* stored body kept in the entry's row; longer
				   ones are files of their own */
#define BLOB_BYTES_MAX 1073741824ULL /* 1 GiB a document; longer: 413 */
#define BLOB_SALT_BYTES 32	/* random bytes before the content */

/* Agreements of lines (docs/lines.md 1); more or longer: not an agreement */
#define AGREEMENT_BYTES_MAX 32768
#define AGREEMENT_NAME_CHARS_MAX 32
#define AGREEMENT_WORDS_BYTES_MAX 512 /* purpose, names and offices, duties */
#define AGREEMENT_ZONE_CHARS_MAX 64
#define AGREEMENT_LANGUAGES_MAX 4
#define AGREEMENT_OFFSETS_MAX 64 /* of one side */
#define AGREEMENT_HOURS_MAX 32
#define AGREEMENT_HOLIDAYS_MAX 256
#define AGREEMENT_PERSONS_MAX 64
#define AGREEMENT_STATIONS_MAX 64
#define AGREEMENT_CHECKS_MAX 16
#define AGREEMENT_FALLBACKS_MAX 8
#define AGREEMENT_DUTIES_MAX 16
#define AGREEMENT_GRACE_S_MIN 10
#define AGREEMENT_GRACE_S_MAX 86400

/* Lines */
#define LINES_MAX 16384		/* of one pair; a proposal of one more is stale */
#define PROPOSALS_MAX 1024	/* open ones of a side for lines never agreed; one
				   more is stale */
#define ROW_NAME_CHARS_MAX 40	/* of what the store keeps for lines */
#define ROW_BYTES_MAX 65536
#define WAITING_MAX 1000	/* items that wait on one line; one more is
				   answered "busy" */

/* Reports (src/report): more is left out, and every answer says so */
#define REPORT_LINES_MAX 16384
#define REPORT_CHECKS_MAX 4194304 /* 64 octets each, and as much again for all */
#define REPORT_EVENTS_MAX 1048576 /* declarations, steps of agreements */
#define REPORT_ITEMS_MAX 4194304 /* messages of the days asked for */
#define REPORT_HIATUSES_MAX 1048576
#define REPORT_CUTS_MAX 65536	/* of the trunk: each touches every line */
#define REPORT_VERSIONS_MAX 1024 /* agreed texts of one line */
#define REPORT_TEXT_BYTES_MAX 67108864 /* names, reasons; each once */

/* Trunk */
#define FRAME_BYTES_MAX 61440	/* payload of one trunk frame; longer: the path
				   is closed, "frame too long" is counted */
#define FRAME_HEAD_BYTES 5	/* u32be length of payload, u8 type */
#define BULK_BYTES 32768	/* blob bytes in one BULK frame */
#define BULK_WINDOW_BYTES 4194304 /* asked for at once by WANT */
#define LANES 2			/* session lanes: control, record */
#define LANE_BYTES_MAX 4194304	/* sent and not acknowledged in one lane; then
				   the lane waits */
#define LANE_FRAMES_MAX 4096	/* as above, in frames */
#define PATHS_MAX 8		/* paths of one trunk; more: configuration error */
#define PAIRS_MAX 64		/* peers of one exchange; more: refused */

/* Voice between exchanges (docs/voice.md) */
#define VOICE_BYTES_MAX 1300	/* one datagram; longer: refused */
#define VOICE_WINDOW 1024	/* datagrams of one key; older: refused */
#define VOICE_DOUBLES 128	/* frames of one call; older: dropped */
#define VOICE_REKEY 4294967296ULL /* datagrams; then another key is drawn */
#define VOICE_KEY_DATAGRAMS_MAX 1099511627776ULL /* 2^40; no more are sealed */

/* Media engine */
#define MEDIA_CALLS_MAX 16384	/* configured calls at once; more: refused */
#define MEDIA_PATHS_MAX 64	/* voice ports of one engine; more: refused */
#define MEDIA_PACKET_BYTES_MAX 2048 /* from a station; longer: dropped */
#define MEDIA_PT_MAPS_MAX 4	/* payload types that one leg translates */

/* Unauthenticated connections to the trunk's listener */
#define STRANGERS_MAX 64	/* at once; one more: the oldest is dropped */
#define STRANGER_MS_MAX 5000	/* to finish handshake and HELLO; then dropped */
#define STRANGER_BYTES_MAX 16384 /* received before HELLO; then dropped */

/* Our own processes */
#define WIRE_BYTES_MAX 65536	/* one message; longer: the sender is killed */
#define TURN_MSGS_MAX 256	/* messages taken in one keeper turn */
#define WAITERS_MAX 4096	/* API calls that wait for a receipt; one more
				   is answered "busy" */

/* Clocks, ms */
#define CLOCK_STEP_MS_MAX 2000	/* own clock back by more: fault clock entry */
#define CLOCK_OFFSET_MS_MAX 5000 /* peer's clock off by more: shown, recorded */
#define ACK_DELAY_MS 200	/* a pure ack for receipts waits this long */
#define ACK_FRAME_MS 20	/* lane frames wait so long for a frame back */
#define IDLE_COSIGN_MS 60000	/* fresh cosignatures on an idle line */
#define JOINT_SIGN_MS 1000	/* at most one joint checkpoint a second */
#define RETRANSMIT_MS 1000	/* unacknowledged lane frames are sent again */
#define WANT_STALL_MS 10000	/* a blob that does not grow is asked for again */
#define LINE_DOWN_RECORD_MS 10000 /* a shorter cut makes no line entry */

#endif
