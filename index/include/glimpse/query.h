/*
 * glimpse/query.h - queries that add and subtract texts and pictures.
 *
 *     "horse + stripes"
 *     "2:golden retriever" + ./pool.jpg - fruit
 *
 * Grammar. The query comes as words, as a shell hands them over; they are read as if joined by
 * single spaces:
 *     query    = [ "-" ] term { operator term }
 *     operator = "+" | "-"          with white space or the end of the query on both sides
 *     term     = [ weight ":" ] body
 *     weight   = a decimal number such as 2, 0.5 or .5, above 0 and at most 1000
 *     body     = '"' anything '"'   always text, operators inside are literal
 *              | a path             when it starts with / ./ ../ or ~/, or names an existing file
 *                                   that looks like a picture by its ending
 *              | an address         when it starts with http:// or https://: a picture on the web
 *              | text               anything else
 * Words of a text that are not separated by an operator belong to one text: `a red car` is one.
 * A word that alone makes up a body and names an existing picture is that path as it stands, also
 * when it contains " - " or a colon. A backslash makes the next + - " : or backslash literal.
 * A leading ~/ stands for the home directory.
 *
 * The vector is the sum of weight x unit embedding of each term, negative ones subtracted,
 * normalised.
 *
 * Threads: a query is immutable after parsing; share it.
 */
#ifndef GLIMPSE_QUERY_H
#define GLIMPSE_QUERY_H

#include <glimpse/status.h>
#include <glimpse/sys/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_query glimpse_query;

typedef struct glimpse_query_term {
    double weight;    /* signed */
    int is_picture;   /* 1: `body` is the path of a picture; 0: a text */
    const char *body; /* escapes resolved, ~/ expanded; borrowed from the query */
    int is_url;       /* 1: a picture, whose `body` is its address on the web */
} glimpse_query_term;

/* GLIMPSE_E_INVALID, with the place in the message ("query, character 7: ..."), for an empty query,
 * a missing term, a bad weight (negative, zero, not finite, above 1000), an open or an empty quote,
 * a text behind a closing quote, or a path followed by other words that together name no file. */
GLIMPSE_API int glimpse_query_parse(glimpse_query **out, const char *const *words, size_t count);
GLIMPSE_API void glimpse_query_free(glimpse_query *query);
GLIMPSE_API size_t glimpse_query_count(const glimpse_query *query);
GLIMPSE_API const glimpse_query_term *glimpse_query_get(const glimpse_query *query, size_t i);
/* GLIMPSE_TOWER_TEXT | GLIMPSE_TOWER_IMAGE: what the query needs, so that a program can open only
 * that part of a model. */
GLIMPSE_API unsigned glimpse_query_towers(const glimpse_query *query);

/* `vector` [E], unit length. GLIMPSE_E_INVALID when the terms cancel out, or one is an address:
 * sessions fetch those (glimpse_find_options.network). A picture's failure is
 * returned with its own message. `truncated` (may be NULL) is set to 1 when a text was too long. */
GLIMPSE_API int glimpse_query_embed(float *vector, int *truncated, const glimpse_query *query,
                                    glimpse_encoder *encoder, const glimpse_model *model);

#ifdef __cplusplus
}
#endif
#endif
