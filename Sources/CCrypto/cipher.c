// AES in the two modes that Kubernetes encrypts with at rest, and Poly1305 for secretbox.
#include "internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <limits.h>
#include <string.h>

enum { block = 16, tag = 16, nonce_size = 12 };

bool ccrypto_poly1305(ccrypto_view key, ccrypto_view data, uint8_t *out) {
    ccrypto_start();
    size_t count = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool isDone = context && EVP_MAC_init(context, key.bytes, key.count, NULL) == 1
        && EVP_MAC_update(context, data.bytes, data.count) == 1
        && EVP_MAC_final(context, out, &count, tag) == 1 && count == tag;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return isDone;
}

static const EVP_CIPHER *cipher(size_t key_size, bool is_gcm) {
    switch (key_size) {
    case 16:
        return is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
        return is_gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    case 32:
        return is_gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
    default:
        return NULL;
    }
}

// Hands `bytes` over when all went well, else gives them back.
static bool finish(bool isDone, EVP_CIPHER_CTX *context, uint8_t *bytes, size_t room, size_t count, ccrypto_bytes *out) {
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    if (!isDone) {
        OPENSSL_clear_free(bytes, room);
        return false;
    }
    // The owner gives back what it was given, so what lies behind the end is wiped here.
    OPENSSL_cleanse(bytes + count, room - count);
    *out = (ccrypto_bytes){bytes, count};
    return true;
}

bool ccrypto_aes_cbc(bool encrypts, ccrypto_view key, ccrypto_view vector, ccrypto_view data, ccrypto_bytes *out) {
    ccrypto_start();
    const EVP_CIPHER *kind = cipher(key.count, false);
    if (!kind || vector.count != block || data.count > INT_MAX - 2 * block) return false;
    size_t room = data.count + block;
    uint8_t *bytes = OPENSSL_malloc(room);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int count = 0, rest = 0;
    bool isDone = bytes && context
        && EVP_CipherInit_ex(context, kind, NULL, key.bytes, vector.bytes, encrypts) == 1
        && EVP_CipherUpdate(context, bytes, &count, data.bytes, (int)data.count) == 1
        && EVP_CipherFinal_ex(context, bytes + count, &rest) == 1;
    return finish(isDone, context, bytes, room, (size_t)(count + rest), out);
}

bool ccrypto_aes_gcm(
    bool encrypts, ccrypto_view key, ccrypto_view nonce, ccrypto_view associated, ccrypto_view data,
    ccrypto_bytes *out) {
    ccrypto_start();
    const EVP_CIPHER *kind = cipher(key.count, true);
    if (!kind || nonce.count != nonce_size || associated.count > INT_MAX || data.count > INT_MAX - tag) return false;
    if (!encrypts && data.count < tag) return false;
    size_t body = encrypts ? data.count : data.count - tag;
    size_t room = body + tag;
    uint8_t *bytes = OPENSSL_malloc(room);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int count = 0, rest = 0;
    bool isDone = bytes && context
        && EVP_CipherInit_ex(context, kind, NULL, key.bytes, nonce.bytes, encrypts) == 1
        && (encrypts
            || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag, (void *)(data.bytes + body)) == 1)
        && (associated.count == 0
            || EVP_CipherUpdate(context, NULL, &count, associated.bytes, (int)associated.count) == 1)
        && (count = 0, body == 0 || EVP_CipherUpdate(context, bytes, &count, data.bytes, (int)body) == 1)
        && EVP_CipherFinal_ex(context, bytes + count, &rest) == 1
        && (!encrypts || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag, bytes + count + rest) == 1);
    return finish(isDone, context, bytes, room, (size_t)(count + rest) + (encrypts ? tag : 0), out);
}
