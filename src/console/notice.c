/* SPDX-License-Identifier: ISC */
/** @file notice.c  Notices in JSON: one alone, or one of many lines */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "console/request.h"

/* Text of a notice: UTF-8 (jansson has checked), and of the control characters
 * only those that end or indent a line, so that what a person reads on a
 * terminal or on paper is what was signed */
static bool text_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = (uint8_t)s[i];

		if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') ||
		    c == 0x7f)
			return false;
	}
	return n;
}

/* Members into r; text is a view into root */
static int notice_take(json_t *root, bool single, struct request *r,
		       struct str *text, struct problem *p)
{
	static const char *const member[] = {"text",       "subject", "id",
					     "precedence", "wait",    "line"};
	const size_t members = single ? 6 : 2;
	const char *key;
	json_t *value;

	*text = (struct str){NULL, 0};
	r->subject[0] = '\0';
	if (!json_is_object(root))
		return problem_set(p, PROBLEM_REQUEST,
				   "A notice must be a JSON object.");
	json_object_foreach(root, key, value)
	{
		struct str v = {json_string_value(value),
				json_string_length(value)};
		size_t i = 0;

		while (i < members && strcmp(key, member[i]) != 0)
			i++;
		if (i == members)
			return problem_set(p, PROBLEM_REQUEST,
					   "A notice has the members %s only.",
					   single ? "subject, text, id, "
						    "precedence, wait and line"
						  : "subject and text");
		if (!v.p)
			return problem_set(p, PROBLEM_REQUEST,
					   "%s must be a string.", member[i]);
		if (!i)
			*text = v;
		else if (request_set(r, member[i], v, p))
			return EINVAL;
	}
	if (!r->subject[0])
		return problem_set(p, PROBLEM_REQUEST,
				   "subject must be there.");
	if (text->n > TEXT_BYTES_MAX)
		return problem_set(p, PROBLEM_TOO_LARGE,
				   "text has %zu bytes; a notice holds 32,736. "
				   "Send it as a document.",
				   text->n);
	if (!text_ok(text->p, text->n))
		return problem_set(p, PROBLEM_REQUEST,
				   "text must be there, not empty, and without "
				   "control characters but line feed, carriage "
				   "return and tab.");
	return 0;
}

static int json_read(const char *p, size_t n, json_t **root,
		     struct problem *why)
{
	json_error_t e;

	if (n > JSON_BYTES_MAX)
		return problem_set(
			why, PROBLEM_TOO_LARGE,
			"The notice is longer than 256 KiB of JSON.");
	*root = json_loadb(p, n, JSON_REJECT_DUPLICATES, &e);
	if (*root)
		return 0;
	if (json_error_code(&e) == json_error_out_of_memory)
		return ENOMEM;
	return problem_set(why, PROBLEM_REQUEST,
			   "Not JSON in UTF-8: wrong at byte %d (line %d).",
			   e.position, e.line);
}

int notice_parse(const char *json, size_t n, struct request *r,
		 struct buf *text, struct problem *p)
{
	json_t *root = NULL;
	struct str t;
	int err;

	buf_reset(text);
	err = json_read(json, n, &root, p);
	if (err)
		return err;
	err = notice_take(root, true, r, &t, p);
	if (!err) {
		buf_put(text, t.p, t.n);
		err = text->err;
	}
	json_decref(root);
	return err;
}

int line_parse(const char *json, size_t n, struct buf *items, struct problem *p)
{
	json_t *root = NULL;
	struct request r;	/* only its subject is used */
	size_t subject_n;
	struct str t;
	int err;

	err = json_read(json, n, &root, p);
	if (err)
		return err;
	err = notice_take(root, false, &r, &t, p);
	if (!err) {
		subject_n = strlen(r.subject);
		if (4 + subject_n + t.n > items->max - items->n) {
			err = EMSGSIZE;
		} else {
			buf_u16(items, (uint16_t)subject_n);
			buf_put(items, r.subject, subject_n);
			buf_u16(items, (uint16_t)t.n);
			buf_put(items, t.p, t.n);
			err = items->err;
		}
	}
	json_decref(root);
	return err;
}
