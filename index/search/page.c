/*
 * page.c - where a page of results begins, as text.
 *
 * A token is hexadecimal digits of these bytes, numbers with the lowest byte first:
 *     1   version
 *     8   of the hash of the query
 *     8   results on the pages before
 *     8   score of the last of them, as an IEEE 754 double
 *     16  hash of its first bytes
 *     8   their number
 *     8   newest picture of the first page
 *     8   score of the place where groups begin
 *     16  hash of its first bytes
 *     8   their number
 *     8   digest of the leaders from there on
 *     4   of the hash of all these
 */
#include "page.h"

#include "core/error.h"
#include "core/hex.h"
#include "numbers.h"

#include <math.h>
#include <string.h>

enum {
    VERSION = 2,
    QUERY_BYTES = 8,
    SUM_BYTES = 4,
    PLACE_BYTES = 8 + GLIMPSE_HASH_BYTES + 8,
    SUMMED_BYTES = 1 + QUERY_BYTES + 8 + PLACE_BYTES + 8 + PLACE_BYTES + 8,
    BYTES = SUMMED_BYTES + SUM_BYTES
};

static uint8_t *write_place(uint8_t *to, double score, const glimpse_hash *hash, uint64_t size) {
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    to = glimpse_number_write(to, bits, 8);
    memcpy(to, hash->bytes, GLIMPSE_HASH_BYTES);
    return glimpse_number_write(to + GLIMPSE_HASH_BYTES, size, 8);
}

static const uint8_t *read_place(double *score, glimpse_hash *hash, uint64_t *size,
                                 const uint8_t *from) {
    uint64_t bits;
    from = glimpse_number_read(&bits, from, 8);
    memcpy(score, &bits, sizeof bits);
    memcpy(hash->bytes, from, GLIMPSE_HASH_BYTES);
    return glimpse_number_read(size, from + GLIMPSE_HASH_BYTES, 8);
}

void glimpse_page_to_token(char token[GLIMPSE_PAGE_TOKEN_BYTES], const glimpse_search_page *page,
                           const glimpse_hash *query) {
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[BYTES], *to = bytes;
    *to++ = VERSION;
    memcpy(to, query->bytes, QUERY_BYTES);
    to = glimpse_number_write(to + QUERY_BYTES, page->shown, 8);
    to = write_place(to, page->score, &page->hash, page->size);
    to = glimpse_number_write(to, (uint64_t)page->newest, 8);
    to = write_place(to, page->start.score, &page->start.hash, page->start.size);
    to = glimpse_number_write(to, page->leaders, 8);
    const glimpse_hash sum = glimpse_hash_bytes(bytes, SUMMED_BYTES);
    memcpy(to, sum.bytes, SUM_BYTES);
    for (size_t i = 0; i < BYTES; i++) {
        token[2 * i] = digits[bytes[i] >> 4];
        token[2 * i + 1] = digits[bytes[i] & 15];
    }
    token[2 * BYTES] = '\0';
}

static int from_hex(uint8_t bytes[BYTES], const char *token) {
    if (strlen(token) != 2 * (size_t)BYTES) return 0;
    for (size_t i = 0; i < BYTES; i++) {
        const int high = glimpse_hex_digit(token[2 * i]), low = glimpse_hex_digit(token[2 * i + 1]);
        if (high < 0 || low < 0) return 0;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}

int glimpse_page_from_token(glimpse_search_page *page, const char *token,
                            const glimpse_hash *query) {
    uint8_t bytes[BYTES];
    const int is_hex = from_hex(bytes, token);
    if (is_hex && bytes[0] != VERSION) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "the page token is of another version of glimpse; begin with the first "
                            "page again");
    }
    const glimpse_hash sum = glimpse_hash_bytes(bytes, is_hex ? SUMMED_BYTES : 0);
    if (!is_hex || memcmp(sum.bytes, bytes + SUMMED_BYTES, SUM_BYTES) != 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "\"%.40s%s\" is no page token: take the whole of what the page before "
                            "gave",
                            token, strlen(token) > 40 ? "..." : "");
    }
    if (memcmp(bytes + 1, query->bytes, QUERY_BYTES) != 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "the page token is of another query: the words, the filters and the "
                            "model must be those of the page before");
    }
    uint64_t newest;
    const uint8_t *from = glimpse_number_read(&page->shown, bytes + 1 + QUERY_BYTES, 8);
    from = read_place(&page->score, &page->hash, &page->size, from);
    from = glimpse_number_read(&newest, from, 8);
    from = read_place(&page->start.score, &page->start.hash, &page->start.size, from);
    (void)glimpse_number_read(&page->leaders, from, 8);
    page->newest = (int64_t)newest;
    if (page->shown == 0 || isnan(page->score) || isnan(page->start.score)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%.40s...\" is no page token", token);
    }
    return GLIMPSE_OK;
}
