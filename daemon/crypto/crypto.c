/* SPDX-License-Identifier: ISC */
#include "crypto/crypto.h"

#include <nettle/cmac.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <string.h>

static void
md5(const struct span *in, unsigned n, uint8_t out[16])
{
	struct md5_ctx ctx;
	unsigned i;

	md5_init(&ctx);
	for (i = 0; i < n; i++)
		md5_update(&ctx, in[i].len, in[i].base);
	md5_digest(&ctx, MD5_DIGEST_SIZE, out);
	/* Its block has held the key. */
	explicit_bzero(&ctx, sizeof ctx);
}

static unsigned
hmac_sha1(const uint8_t *key, size_t len, const struct span *in, unsigned n,
    uint8_t *out)
{
	struct hmac_sha1_ctx ctx;
	unsigned i;

	hmac_sha1_set_key(&ctx, len, key);
	for (i = 0; i < n; i++)
		hmac_sha1_update(&ctx, in[i].len, in[i].base);
	hmac_sha1_digest(&ctx, SHA1_DIGEST_SIZE, out);
	explicit_bzero(&ctx, sizeof ctx);
	return SHA1_DIGEST_SIZE;
}

static unsigned
hmac_sha256(const uint8_t *key, size_t len, const struct span *in, unsigned n,
    uint8_t *out)
{
	struct hmac_sha256_ctx ctx;
	unsigned i;

	hmac_sha256_set_key(&ctx, len, key);
	for (i = 0; i < n; i++)
		hmac_sha256_update(&ctx, in[i].len, in[i].base);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
	explicit_bzero(&ctx, sizeof ctx);
	return SHA256_DIGEST_SIZE;
}

static unsigned
cmac_aes128(const uint8_t *key, const struct span *in, unsigned n, uint8_t *out)
{
	struct cmac_aes128_ctx ctx;
	unsigned i;

	cmac_aes128_set_key(&ctx, key);
	for (i = 0; i < n; i++)
		cmac_aes128_update(&ctx, in[i].len, in[i].base);
	cmac_aes128_digest(&ctx, CMAC128_DIGEST_SIZE, out);
	explicit_bzero(&ctx, sizeof ctx);
	return CMAC128_DIGEST_SIZE;
}

static unsigned
mac(enum tcp_ao_alg alg, const uint8_t *key, size_t len, const struct span *in,
    unsigned n, uint8_t out[TCP_AO_TRAFFIC])
{
	switch (alg) {
	case TCP_AO_SHA1:
		return hmac_sha1(key, len, in, n, out);
	case TCP_AO_SHA256:
		return hmac_sha256(key, len, in, n, out);
	case TCP_AO_AES128:
	default:
		return cmac_aes128(key, in, n, out);
	}
}

const struct tcp_digest crypto_digest = {.md5 = md5, .mac = mac};
