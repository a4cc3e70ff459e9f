/* SPDX-License-Identifier: ISC */
/* The service "tcpd" as the GNU Name Service Switch calls it; see nss.c. */
#ifndef LIBCLIENT_NSS_TCPD_H
#define LIBCLIENT_NSS_TCPD_H

#include <netdb.h>
#include <nss.h>
#include <stddef.h>
#include <stdint.h>

enum nss_status _nss_tcpd_gethostbyname4_r(const char *name,
    struct gaih_addrtuple **pat, char *buf, size_t len, int *errnop,
    int *herrnop, int32_t *ttlp);
enum nss_status _nss_tcpd_gethostbyname3_r(const char *name, int af,
    struct hostent *h, char *buf, size_t len, int *errnop, int *herrnop,
    int32_t *ttlp, char **canonp);
enum nss_status _nss_tcpd_gethostbyname2_r(const char *name, int af,
    struct hostent *h, char *buf, size_t len, int *errnop, int *herrnop);
enum nss_status _nss_tcpd_gethostbyname_r(const char *name, struct hostent *h,
    char *buf, size_t len, int *errnop, int *herrnop);
enum nss_status _nss_tcpd_gethostbyaddr2_r(const void *addr, socklen_t alen,
    int af, struct hostent *h, char *buf, size_t len, int *errnop, int *herrnop,
    int32_t *ttlp);
enum nss_status _nss_tcpd_gethostbyaddr_r(const void *addr, socklen_t alen,
    int af, struct hostent *h, char *buf, size_t len, int *errnop,
    int *herrnop);

#endif
