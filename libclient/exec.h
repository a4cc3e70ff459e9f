/* SPDX-License-Identifier: ISC */
/*
 * execve() and its family under the preload library; see exec.c.
 */
#ifndef LIBCLIENT_EXEC_H
#define LIBCLIENT_EXEC_H

/* As execveat(), which returns only to say why not. */
int exec_file(int dir, const char *path, char *const argv[], char *const envp[],
    int flags);

#endif
