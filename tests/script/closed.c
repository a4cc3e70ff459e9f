/* SPDX-License-Identifier: ISC */
/*
 * CLOSED, RFC 9293 3.10.7.1: nothing there; what is not a reset is answered
 * by one that the other side must accept.
 */
#include "lab.h"

TestSuite(closed, .fini = lab_end);

Test(closed, table)
{
	const struct lab_row rows[] = {
	    ROW("SYN", SEG(SYN, .seq = 0), SEG(RST | ACK, .seq = 0, .ack = 1),
		TCPS_CLOSED),
	    ROW("SYN with data", SEG(SYN, .seq = 0, .len = 10),
		SEG(RST | ACK, .seq = 0, .ack = 11), TCPS_CLOSED),
	    ROW("FIN without ACK", SEG(FIN, .seq = 5),
		SEG(RST | ACK, .seq = 0, .ack = 6), TCPS_CLOSED),
	    ROW("data without ACK", SEG(PSH, .seq = 5, .len = 3),
		SEG(RST | ACK, .seq = 0, .ack = 8), TCPS_CLOSED),
	    ROW("ACK", SEG(ACK, .seq = 9, .ack = 7), SEG(RST, .seq = 7),
		TCPS_CLOSED),
	    ROW("data", SEG(ACK | PSH, .seq = 9, .ack = 70, .len = 100),
		SEG(RST, .seq = 70), TCPS_CLOSED),
	    ROW("FIN", SEG(FIN | ACK, .seq = 9, .ack = 7), SEG(RST, .seq = 7),
		TCPS_CLOSED),
	    ROW("SYN-ACK", SEG(SYN | ACK, .seq = 0, .ack = 1),
		SEG(RST, .seq = 1), TCPS_CLOSED),
	    ROW("RST", SEG(RST, .seq = 0), SILENT, TCPS_CLOSED),
	    ROW("RST-ACK", SEG(RST | ACK, .seq = 0, .ack = 1), SILENT,
		TCPS_CLOSED),
	    ROW("SYN-RST", SEG(SYN | RST, .seq = 0), SILENT, TCPS_CLOSED),
	    ROW("wrong checksum", SEG(SYN, .bad_csum = true), SILENT,
		TCPS_CLOSED),
	};

	walk(TCPS_CLOSED, rows);
}

/* MUST-57, MUST-63: no answer where it would go to many, or to nobody. */
Test(closed, silent_to_impossible_addresses, .description = "MUST-57 MUST-63",
    .init = passive_lab)
{
	peer_sends(SYN, .src = 0xe0000001);
	silence();
	peer_sends(SYN, .src = 0xffffffff);
	silence();
	peer_sends(SYN, .dst = 0xe0000001);
	silence();
	peer_sends(SYN, .dst = 0xffffffff);
	silence();
	in_state(TCPS_LISTEN);
	dropped(TCP_ADDR);
}

/* MUST-3: every segment's checksum is verified; MUST-2 is the stack's part. */
Test(closed, checksum_is_verified, .description = "MUST-3", .init = passive_lab)
{
	peer_sends(SYN, .bad_csum = true);
	silence();
	dropped(TCP_CHECKSUM);
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 7, .bad_csum = true);
	peer_sends(RST, .seq = 1, .bad_csum = true);
	silence();
	no_event();
	in_state(TCPS_ESTABLISHED);
	dropped(TCP_CHECKSUM);
}

/* The header's own lengths: data offset below 5 or past the end. */
Test(closed, resets_are_counted, .init = active_lab)
{
	peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(RST, .seq = 1);
	expect_eq(lab_stats().out_rsts, 1);
	expect_eq(lab_stats().in_segs, 1);
	dropped(TCP_NO_CONN);
}
