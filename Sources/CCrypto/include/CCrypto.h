// The narrow door to OpenSSL's libcrypto: keys, digests, signatures and the verification of certificate
// chains, over plain buffers. No OpenSSL type passes through it. Documents (X.509, PKCS#10, PEM, JWT) are
// written and read in Swift, in the PKI module.
//
// Rules that hold for every function:
// - What is returned through `ccrypto_bytes` belongs to the caller, who gives it back with `ccrypto_release`.
// - On failure nothing is left allocated, OpenSSL's error queue is empty, and `error` holds one line of text.
// - Every function may be called from any thread. Keys and roots may be used by several threads at once.
#ifndef CCRYPTO_H
#define CCRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *_Nullable bytes;
    size_t count;
} ccrypto_bytes;

// Bytes that are only looked at during the call.
typedef struct {
    const uint8_t *_Nullable bytes;
    size_t count;
} ccrypto_view;

typedef struct {
    char text[256];
} ccrypto_error;

// A private or public key.
typedef struct ccrypto_key ccrypto_key;
// The certificates that a chain may end in.
typedef struct ccrypto_roots ccrypto_roots;

typedef enum {
    ccrypto_key_other = 0,
    ccrypto_key_p256,
    ccrypto_key_ec,
    ccrypto_key_rsa,
    ccrypto_key_ed25519,
} ccrypto_key_kind;

typedef enum {
    ccrypto_digest_none = 0,  // for Ed25519, which hashes by itself
    ccrypto_digest_sha1,
    ccrypto_digest_sha256,
    ccrypto_digest_sha384,
    ccrypto_digest_sha512,
} ccrypto_digest_kind;

typedef enum {
    ccrypto_verdict_trusted = 0,
    ccrypto_verdict_malformed,
    ccrypto_verdict_expired,
    ccrypto_verdict_not_yet_valid,
    ccrypto_verdict_unknown_authority,
    ccrypto_verdict_bad_signature,
    ccrypto_verdict_wrong_usage,
    ccrypto_verdict_refused,  // anything else; `error` says what
} ccrypto_verdict;

void ccrypto_release(ccrypto_bytes buffer);

// Writes the digest to `out`, which has room for 64 bytes; its length, or 0 on failure.
size_t ccrypto_digest(ccrypto_digest_kind kind, ccrypto_view data, uint8_t *_Nonnull out);
bool ccrypto_hmac_sha256(ccrypto_view key, ccrypto_view data, uint8_t *_Nonnull out);
// Takes the same time whatever the bytes are.
bool ccrypto_equal(const uint8_t *_Nonnull a, const uint8_t *_Nonnull b, size_t count);

// Poly1305 with a key of 32 bytes that is used once; writes 16 bytes to `out`.
bool ccrypto_poly1305(ccrypto_view key, ccrypto_view data, uint8_t *_Nonnull out);

// AES with a key of 16, 24 or 32 bytes. CBC: a vector of 16 bytes, padding of PKCS #7. False when the padding is wrong.
bool ccrypto_aes_cbc(
    bool encrypts, ccrypto_view key, ccrypto_view vector, ccrypto_view data, ccrypto_bytes *_Nonnull out);
// GCM: a nonce of 12 bytes; the sealed form ends in the tag of 16 bytes. False when the tag is wrong.
bool ccrypto_aes_gcm(
    bool encrypts, ccrypto_view key, ccrypto_view nonce, ccrypto_view associated, ccrypto_view data,
    ccrypto_bytes *_Nonnull out);

ccrypto_key *_Nullable ccrypto_generate_p256(ccrypto_error *_Nonnull error);
// Looks for the two primes on two threads at once.
ccrypto_key *_Nullable ccrypto_generate_rsa2048(ccrypto_error *_Nonnull error);
// DER as in SEC 1 (EC), PKCS #1 (RSA) or PKCS #8, without a password.
ccrypto_key *_Nullable ccrypto_read_private_key(ccrypto_view der, ccrypto_error *_Nonnull error);
// DER of a SubjectPublicKeyInfo (PKIX).
ccrypto_key *_Nullable ccrypto_read_public_key(ccrypto_view der, ccrypto_error *_Nonnull error);
void ccrypto_free_key(ccrypto_key *_Nullable key);

ccrypto_key_kind ccrypto_kind_of_key(const ccrypto_key *_Nonnull key);
// SEC 1 for EC, PKCS #1 for RSA, PKCS #8 for the rest.
bool ccrypto_write_private_key(
    const ccrypto_key *_Nonnull key, ccrypto_bytes *_Nonnull der, ccrypto_error *_Nonnull error);
bool ccrypto_write_public_key(
    const ccrypto_key *_Nonnull key, ccrypto_bytes *_Nonnull der, ccrypto_error *_Nonnull error);

// RSA signs with PKCS #1 v1.5 padding; EC answers the DER form of (r, s).
bool ccrypto_sign(
    const ccrypto_key *_Nonnull key, ccrypto_digest_kind digest, ccrypto_view data,
    ccrypto_bytes *_Nonnull signature, ccrypto_error *_Nonnull error);
// False for a wrong signature and for one that cannot be read.
bool ccrypto_is_signature(
    const ccrypto_key *_Nonnull key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_view signature);
// The same with RSASSA-PSS, the mask by the same digest, a salt of any length; false for keys that are not RSA.
bool ccrypto_is_pss_signature(
    const ccrypto_key *_Nonnull key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_view signature);

ccrypto_roots *_Nullable ccrypto_make_roots(
    const ccrypto_view *_Nonnull ders, size_t count, ccrypto_error *_Nonnull error);
void ccrypto_free_roots(ccrypto_roots *_Nullable roots);
// Judges `chain` (DER, leaf first) at `at` (seconds since 1970) for the use by a TLS client or server. Any of
// the roots ends a chain, self-signed or not. When trusted, `valid_from` ... `valid_until` is when the whole
// chain is valid.
ccrypto_verdict ccrypto_verify_chain(
    const ccrypto_roots *_Nonnull roots, const ccrypto_view *_Nonnull chain, size_t count, int64_t at,
    bool is_client, int64_t *_Nonnull valid_from, int64_t *_Nonnull valid_until,
    ccrypto_error *_Nonnull error);

#endif
