/* SPDX-License-Identifier: ISC */
/*
 * A fuzz target's main() where libFuzzer is not there: gives the target each
 * file that is named, and each file of each directory.  Options (-runs=0) are
 * libFuzzer's and passed over, so that one command line serves both.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files;

static void
replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t n;

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	n = fread(data, 1, sizeof data, f);
	fclose(f);
	/* Of its own size, so that a sanitizer sees a read past the end. */
	exact = malloc(n > 0 ? n : 1);
	if (exact == NULL) {
		perror(path);
		exit(2);
	}
	memcpy(exact, data, n);
	/* The last name that is seen is the one that failed. */
	if (getenv("REPLAY_VERBOSE") != NULL)
		fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	files++;
}

static void
replay(const char *path)
{
	char name[4096];
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		exit(2);
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		replay(name);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			replay(argv[i]);
	}
	printf("%u inputs replayed\n", files);
	return files > 0 ? 0 : 2;
}
