// RSA 2048 in a third of the time that libcrypto 3.0 takes.
//
// EVP_RSA_gen builds its primes by the constructive method of FIPS 186-4, B.3.6, one after the other: a
// median of 230 ms of CPU on the reference machine. The probable primes of B.3.3 are as good for a key of
// 2048 bits, take 37 ms each, and two threads find both at once. docs/decisions/0002-libcrypto.md has the
// measurements.
#include "internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <string.h>

enum { modulus_bits = 2048, prime_bits = modulus_bits / 2, public_exponent = 65537 };

// A prime with its two top bits set, so that the product of two has exactly `modulus_bits`, and with
// prime - 1 not divisible by the (prime) public exponent.
static BIGNUM *find_prime(void) {
    BIGNUM *prime = BN_secure_new();
    if (!prime) return NULL;
    for (int attempt = 0; attempt < 16; attempt++) {
        if (BN_generate_prime_ex(prime, prime_bits, 0, NULL, NULL, NULL) != 1) break;
        if (BN_mod_word(prime, public_exponent) != 1) return prime;
    }
    BN_clear_free(prime);
    return NULL;
}

static void *find_prime_on_thread(void *result) {
    *(BIGNUM **)result = find_prime();
    ERR_clear_error();
    return NULL;
}

// FIPS 186-4, B.3.3, 5.4: primes that are close together make the modulus easy to factor.
static bool are_far_apart(const BIGNUM *p, const BIGNUM *q) {
    BIGNUM *difference = BN_secure_new();
    bool isFar = difference && BN_sub(difference, p, q) == 1 && BN_num_bits(difference) > prime_bits - 100;
    BN_clear_free(difference);
    return isFar;
}

static bool find_two_primes(BIGNUM **p, BIGNUM **q) {
    for (int attempt = 0; attempt < 4; attempt++) {
        pthread_t thread;
        bool isHelped = pthread_create(&thread, NULL, find_prime_on_thread, q) == 0;
        *p = find_prime();
        if (isHelped) pthread_join(thread, NULL);
        else *q = find_prime();
        if (!*p || !*q) return false;
        if (are_far_apart(*p, *q)) return true;
        BN_clear_free(*p);
        BN_clear_free(*q);
        *p = *q = NULL;
    }
    return false;
}

// The numbers of RFC 8017, section 3.2, the second representation, given p and q.
typedef struct {
    BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *qinv, *p1, *q1, *phi;
} rsa_numbers;

static void clear_numbers(rsa_numbers *k) {
    BIGNUM *all[] = {k->p, k->q, k->n, k->e, k->d, k->dp, k->dq, k->qinv, k->p1, k->q1, k->phi};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) BN_clear_free(all[i]);
}

static bool derive_numbers(rsa_numbers *k) {
    BN_CTX *context = BN_CTX_secure_new();
    k->n = BN_secure_new(), k->e = BN_new(), k->dp = BN_secure_new(), k->dq = BN_secure_new();
    k->p1 = BN_secure_new(), k->q1 = BN_secure_new(), k->phi = BN_secure_new();
    bool isDone = context && k->n && k->e && k->dp && k->dq && k->p1 && k->q1 && k->phi
        && BN_mul(k->n, k->p, k->q, context) == 1 && BN_set_word(k->e, public_exponent) == 1
        && BN_sub(k->p1, k->p, BN_value_one()) == 1 && BN_sub(k->q1, k->q, BN_value_one()) == 1
        && BN_mul(k->phi, k->p1, k->q1, context) == 1;
    if (isDone) {
        BN_set_flags(k->phi, BN_FLG_CONSTTIME);
        BN_set_flags(k->p, BN_FLG_CONSTTIME);
        k->d = BN_mod_inverse(NULL, k->e, k->phi, context);
        if (k->d) BN_set_flags(k->d, BN_FLG_CONSTTIME);
        k->qinv = BN_mod_inverse(NULL, k->q, k->p, context);
        // FIPS 186-4, B.3.1, 3: a short private exponent is weak; it happens with probability 2^-1024.
        isDone = k->d && k->qinv && BN_num_bits(k->d) > prime_bits && BN_num_bits(k->n) == modulus_bits
            && BN_mod(k->dp, k->d, k->p1, context) == 1 && BN_mod(k->dq, k->d, k->q1, context) == 1;
    }
    BN_CTX_free(context);
    return isDone;
}

static EVP_PKEY *assemble(const rsa_numbers *k) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool isDone = context && builder
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, k->n) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, k->e) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, k->d) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qinv) == 1
        && (params = OSSL_PARAM_BLD_to_param(builder)) != NULL && EVP_PKEY_fromdata_init(context) == 1;
    if (isDone && EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1) key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return key;
}

// The pairwise consistency check of FIPS 140: what the key signs, it verifies.
static bool agrees_with_itself(const ccrypto_key *key, ccrypto_error *error) {
    static const uint8_t message[] = "pairwise consistency";
    ccrypto_view data = {message, sizeof message};
    ccrypto_bytes signature;
    if (!ccrypto_sign(key, ccrypto_digest_sha256, data, &signature, error)) return false;
    ccrypto_view made = {signature.bytes, signature.count};
    bool isGood = ccrypto_is_signature(key, ccrypto_digest_sha256, data, made);
    ccrypto_release(signature);
    return isGood;
}

ccrypto_key *ccrypto_generate_rsa2048(ccrypto_error *error) {
    ccrypto_start();
    rsa_numbers numbers;
    memset(&numbers, 0, sizeof numbers);
    ccrypto_key *key = NULL;
    if (find_two_primes(&numbers.p, &numbers.q) && derive_numbers(&numbers)) {
        key = (ccrypto_key *)assemble(&numbers);
    }
    clear_numbers(&numbers);
    if (key && agrees_with_itself(key, error)) return key;
    ccrypto_fail(error, "cannot generate an RSA key");
    ccrypto_free_key(key);
    return NULL;
}
