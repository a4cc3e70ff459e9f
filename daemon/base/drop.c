/* SPDX-License-Identifier: ISC */
/*
 * Names and texts of the drop reasons.  TCP_CHECKSUM of layer "tcp" is called
 * "tcp.checksum": the table of names is made at the first question, by ASCII
 * arithmetic, so no locale has a say in it.
 */
#include "base/drop.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "base/check.h"

#define NAME_MAX_BYTES 32

static const struct {
	const char *name, *layer, *text;
} rows[NDROPS] = {
    [DROP_NONE] = {"NONE", "", "not dropped"},
#define DROP(name, layer, text) [DROP_##name] = {#name, layer, text},
#include "drop.def"
#undef DROP
};

static char names[NDROPS][NAME_MAX_BYTES] = {[DROP_NONE] = "none"};

static void
make_name(char out[NAME_MAX_BYTES], const char *name, const char *layer)
{
	size_t n = strlen(name), prefix = strlen(layer);

	CHECK(n < NAME_MAX_BYTES && n > prefix && name[prefix] == '_');
	memcpy(out, layer, prefix);
	out[prefix] = '.';
	for (size_t i = prefix + 1; i < n; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z'
				    ? name[i] - 'A' + 'a'
				    : name[i]);
	out[n] = '\0';
}

const char *
drop_name(enum drop d)
{
	static bool made;

	CHECK(d < NDROPS);
	if (!made) {
		for (size_t i = DROP_FIRST; i < NDROPS; i++)
			make_name(names[i], rows[i].name, rows[i].layer);
		made = true;
	}
	return names[d];
}

const char *
drop_text(enum drop d)
{
	CHECK(d < NDROPS);
	return rows[d].text;
}
