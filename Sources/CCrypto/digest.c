#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t started = PTHREAD_ONCE_INIT;
static EVP_MD *digests[ccrypto_digest_sha512 + 1];

static void start(void) {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    // Fetched once: looking an algorithm up by name costs more than hashing a short message.
    digests[ccrypto_digest_sha1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    digests[ccrypto_digest_sha256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    digests[ccrypto_digest_sha384] = EVP_MD_fetch(NULL, "SHA384", NULL);
    digests[ccrypto_digest_sha512] = EVP_MD_fetch(NULL, "SHA512", NULL);
}

void ccrypto_start(void) { pthread_once(&started, start); }

const EVP_MD *ccrypto_md(ccrypto_digest_kind kind) {
    ccrypto_start();
    return digests[kind];
}

void ccrypto_fail(ccrypto_error *error, const char *what) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(error->text, sizeof error->text, "%s: %s", what, reason ? reason : "libcrypto gave no reason");
    ERR_clear_error();
}

void ccrypto_release(ccrypto_bytes buffer) { OPENSSL_clear_free(buffer.bytes, buffer.count); }

size_t ccrypto_digest(ccrypto_digest_kind kind, ccrypto_view data, uint8_t *out) {
    unsigned int count = 0;
    if (EVP_Digest(data.bytes, data.count, out, &count, ccrypto_md(kind), NULL) != 1) {
        ERR_clear_error();
        return 0;
    }
    return count;
}

bool ccrypto_hmac_sha256(ccrypto_view key, ccrypto_view data, uint8_t *out) {
    unsigned int count = 0;
    // HMAC() takes a NULL key to mean "the key of last time".
    const uint8_t *bytes = key.bytes ? key.bytes : (const uint8_t *)"";
    const EVP_MD *md = ccrypto_md(ccrypto_digest_sha256);
    if (!HMAC(md, bytes, (int)key.count, data.bytes, data.count, out, &count)) {
        ERR_clear_error();
        return false;
    }
    return true;
}

bool ccrypto_equal(const uint8_t *a, const uint8_t *b, size_t count) {
    return CRYPTO_memcmp(a, b, count) == 0;
}
