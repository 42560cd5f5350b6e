/*
 * sha.c - SHA-256 and SHA-1. On x86 with the SHA extensions, SHA-256 takes a fifth of the time.
 */
#include "core/sha.h"

#include <string.h>

#if defined(__x86_64__)
# include <immintrin.h>
#endif

static uint32_t rotate_left(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static uint32_t rotate_right(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static uint32_t read_word(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * SHA-1.
 */
static void add_sha1(uint32_t state[8], const uint8_t *data, size_t blocks) {
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++)
            w[i] = read_word(data + 4 * i);
        for (int i = 16; i < 80; i++)
            w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20   ? (b & c) | (~b & d)
                         : i < 40 ? b ^ c ^ d
                         : i < 60 ? (b & c) | (b & d) | (c & d)
                                  : b ^ c ^ d;
            uint32_t k = i < 20   ? 0x5a827999u
                         : i < 40 ? 0x6ed9eba1u
                         : i < 60 ? 0x8f1bbcdcu
                                  : 0xca62c1d6u;
            uint32_t next = rotate_left(a, 5) + f + e + k + w[i];
            e = d;
            d = c;
            c = rotate_left(b, 30);
            b = a;
            a = next;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }
}

/*
 * SHA-256. The constants are the first bits of the fractions of the cube roots of the first 64
 * primes.
 */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void glimpse_sha256_plain(uint32_t state[8], const uint8_t *data, size_t blocks) {
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t w[64], v[8];
        for (int i = 0; i < 16; i++)
            w[i] = read_word(data + 4 * i);
        for (int i = 16; i < 64; i++) {
            uint32_t x = w[i - 15], y = w[i - 2];
            w[i] = w[i - 16] + w[i - 7] + (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) +
                   (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
        }
        memcpy(v, state, sizeof v);
        for (int i = 0; i < 64; i++) {
            uint32_t a = v[0], e = v[4];
            uint32_t first = v[7] +
                             (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                             ((e & v[5]) ^ (~e & v[6])) + constants[i] + w[i];
            uint32_t second = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                              ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
            memmove(v + 1, v, 7 * sizeof *v);
            v[4] += first;
            v[0] = first + second;
        }
        for (int i = 0; i < 8; i++)
            state[i] += v[i];
    }
}

#if defined(__x86_64__)
/* The instructions keep the state as (a, b, e, f) and (c, d, g, h), and do two rounds each. */
__attribute__((__target__("sha,sse4.1,ssse3"))) static void add_sha256_native(uint32_t state[8],
                                                                              const uint8_t *data,
                                                                              size_t blocks) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
    __m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
    for (; blocks > 0; blocks--, data += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
            w[i] = _mm_shuffle_epi8(w[i], order);
        }
        for (int i = 0; i < 16; i++) { /* four rounds each */
            __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(constants + 4 * i));
            __m128i sum = _mm_add_epi32(w[i & 3], k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            if (i >= 12) continue;
            __m128i before = w[i & 3], last = w[(i + 3) & 3];
            __m128i next = _mm_sha256msg1_epu32(before, w[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    state[0] = (uint32_t)_mm_extract_epi32(abef, 3);
    state[1] = (uint32_t)_mm_extract_epi32(abef, 2);
    state[4] = (uint32_t)_mm_extract_epi32(abef, 1);
    state[5] = (uint32_t)_mm_extract_epi32(abef, 0);
    state[2] = (uint32_t)_mm_extract_epi32(cdgh, 3);
    state[3] = (uint32_t)_mm_extract_epi32(cdgh, 2);
    state[6] = (uint32_t)_mm_extract_epi32(cdgh, 1);
    state[7] = (uint32_t)_mm_extract_epi32(cdgh, 0);
}

# include <cpuid.h>

static int has_native(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b >> 29 & 1);
}
#endif

static void add_blocks(glimpse_sha *sha, const uint8_t *data, size_t blocks) {
    if (sha->kind == GLIMPSE_SHA1) {
        add_sha1(sha->state, data, blocks);
        return;
    }
#if defined(__x86_64__)
    if (has_native()) {
        add_sha256_native(sha->state, data, blocks);
        return;
    }
#endif
    glimpse_sha256_plain(sha->state, data, blocks);
}

/*
 * Both.
 */
void glimpse_sha_begin(glimpse_sha *sha, glimpse_sha_kind kind) {
    static const uint32_t sha1[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    static const uint32_t sha256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *sha = (glimpse_sha){.kind = kind};
    memcpy(sha->state, kind == GLIMPSE_SHA1 ? sha1 : sha256, sizeof sha->state);
}

void glimpse_sha_update(glimpse_sha *sha, const void *data, size_t size) {
    const uint8_t *bytes = data;
    size_t used = sha->size % 64;
    sha->size += size;
    if (used > 0) {
        size_t more = 64 - used < size ? 64 - used : size;
        memcpy(sha->block + used, bytes, more);
        bytes += more;
        size -= more;
        if (used + more < 64) return;
        add_blocks(sha, sha->block, 1);
    }
    if (size >= 64) add_blocks(sha, bytes, size / 64);
    if (size % 64 > 0) memcpy(sha->block, bytes + size / 64 * 64, size % 64);
}

void glimpse_sha_finish(glimpse_sha *sha, char hex[GLIMPSE_SHA_HEX]) {
    static const char digits[] = "0123456789abcdef";
    const uint64_t bits = sha->size * 8;
    uint8_t end[72] = {0x80};
    size_t zeros = (119 - sha->size % 64) % 64; /* behind the 0x80, up to 8 before a block's end */
    for (int i = 0; i < 8; i++)
        end[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    glimpse_sha_update(sha, end, zeros + 9);
    size_t words = sha->kind == GLIMPSE_SHA1 ? 5 : 8;
    for (size_t i = 0; i < 8 * words; i++)
        hex[i] = digits[sha->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[8 * words] = '\0';
}
