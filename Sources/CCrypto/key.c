// The readers by type below are deprecated, because they answer keys that no provider holds yet.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <limits.h>
#include <string.h>

ccrypto_key *ccrypto_generate_p256(ccrypto_error *error) {
    ccrypto_start();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key) ccrypto_fail(error, "cannot generate an EC key");
    return (ccrypto_key *)key;
}

static EVP_PKEY *hold_ec(EC_KEY *ec) {
    EVP_PKEY *key = ec ? EVP_PKEY_new() : NULL;
    if (key && EVP_PKEY_assign_EC_KEY(key, ec) == 1) return key;
    EVP_PKEY_free(key);
    EC_KEY_free(ec);
    return NULL;
}

static EVP_PKEY *hold_rsa(RSA *rsa) {
    EVP_PKEY *key = rsa ? EVP_PKEY_new() : NULL;
    if (key && EVP_PKEY_assign_RSA(key, rsa) == 1) return key;
    EVP_PKEY_free(key);
    RSA_free(rsa);
    return NULL;
}

// The common forms, each by its own reader: OpenSSL 3.0 takes ten times as long when it has to find out by
// itself.
static EVP_PKEY *read_common(ccrypto_view der, bool is_private) {
    const uint8_t *at = der.bytes, *again = der.bytes;
    long count = (long)der.count;
    if (is_private) {
        EVP_PKEY *key = hold_ec(d2i_ECPrivateKey(NULL, &at, count));
        return key ? key : hold_rsa(d2i_RSAPrivateKey(NULL, &again, count));
    }
    EVP_PKEY *key = hold_ec(d2i_EC_PUBKEY(NULL, &at, count));
    return key ? key : hold_rsa(d2i_RSA_PUBKEY(NULL, &again, count));
}

ccrypto_key *ccrypto_read_private_key(ccrypto_view der, ccrypto_error *error) {
    ccrypto_start();
    const uint8_t *at = der.bytes;
    EVP_PKEY *key = der.count <= LONG_MAX ? read_common(der, true) : NULL;
    if (!key && der.count <= LONG_MAX) key = d2i_AutoPrivateKey(NULL, &at, (long)der.count);
    if (!key) ccrypto_fail(error, "cannot read the private key");
    // A guess that failed before the right one leaves its complaint in the queue.
    ERR_clear_error();
    return (ccrypto_key *)key;
}

ccrypto_key *ccrypto_read_public_key(ccrypto_view der, ccrypto_error *error) {
    ccrypto_start();
    const uint8_t *at = der.bytes;
    EVP_PKEY *key = der.count <= LONG_MAX ? read_common(der, false) : NULL;
    if (!key && der.count <= LONG_MAX) key = d2i_PUBKEY(NULL, &at, (long)der.count);
    if (!key) ccrypto_fail(error, "cannot read the public key");
    ERR_clear_error();
    return (ccrypto_key *)key;
}

void ccrypto_free_key(ccrypto_key *key) { EVP_PKEY_free(ccrypto_pkey(key)); }

ccrypto_key_kind ccrypto_kind_of_key(const ccrypto_key *key) {
    char group[32];
    size_t count = 0;
    switch (EVP_PKEY_get_base_id(ccrypto_pkey(key))) {
    case EVP_PKEY_RSA:
        return ccrypto_key_rsa;
    case EVP_PKEY_ED25519:
        return ccrypto_key_ed25519;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(ccrypto_pkey(key), group, sizeof group, &count) != 1) {
            ERR_clear_error();
            return ccrypto_key_other;
        }
        return strcmp(group, "prime256v1") == 0 ? ccrypto_key_p256 : ccrypto_key_ec;
    default:
        return ccrypto_key_other;
    }
}

static bool take(int count, uint8_t *bytes, ccrypto_bytes *out, ccrypto_error *error) {
    if (count <= 0) {
        ccrypto_fail(error, "cannot encode the key");
        return false;
    }
    *out = (ccrypto_bytes){bytes, (size_t)count};
    return true;
}

bool ccrypto_write_private_key(const ccrypto_key *key, ccrypto_bytes *der, ccrypto_error *error) {
    uint8_t *bytes = NULL;
    return take(i2d_PrivateKey(ccrypto_pkey(key), &bytes), bytes, der, error);
}

bool ccrypto_write_public_key(const ccrypto_key *key, ccrypto_bytes *der, ccrypto_error *error) {
    uint8_t *bytes = NULL;
    return take(i2d_PUBKEY(ccrypto_pkey(key), &bytes), bytes, der, error);
}

bool ccrypto_sign(
    const ccrypto_key *key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_bytes *signature,
    ccrypto_error *error) {
    const EVP_MD *md = ccrypto_md(digest);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t *bytes = NULL;
    size_t count = 0, room = 0;
    bool isDone = context && EVP_DigestSignInit(context, NULL, md, NULL, ccrypto_pkey(key)) == 1
        && EVP_DigestSign(context, NULL, &count, data.bytes, data.count) == 1
        && (room = count, bytes = OPENSSL_malloc(room)) != NULL
        && EVP_DigestSign(context, bytes, &count, data.bytes, data.count) == 1;
    EVP_MD_CTX_free(context);
    if (!isDone) {
        OPENSSL_clear_free(bytes, room);
        ccrypto_fail(error, "cannot sign");
        return false;
    }
    *signature = (ccrypto_bytes){bytes, count};
    return true;
}

static bool is_signature(
    const ccrypto_key *key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_view signature, bool is_pss) {
    const EVP_MD *md = ccrypto_md(digest);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *details = NULL;
    bool isGood = context && EVP_DigestVerifyInit(context, &details, md, NULL, ccrypto_pkey(key)) == 1
        && (!is_pss
            || (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) > 0
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_AUTO) > 0))
        && EVP_DigestVerify(context, signature.bytes, signature.count, data.bytes, data.count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return isGood;
}

bool ccrypto_is_signature(
    const ccrypto_key *key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_view signature) {
    return is_signature(key, digest, data, signature, false);
}

bool ccrypto_is_pss_signature(
    const ccrypto_key *key, ccrypto_digest_kind digest, ccrypto_view data, ccrypto_view signature) {
    return EVP_PKEY_get_base_id(ccrypto_pkey(key)) == EVP_PKEY_RSA && is_signature(key, digest, data, signature, true);
}
