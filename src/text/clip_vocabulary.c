/*
 * text/clip_vocabulary.c - what CLIP's vocabularies have that others have not: the alphabet of
 * bytes, the end of a word, the names of the special tokens. See vocabulary.h.
 */
#include "core/error.h"
#include "core/utf8.h"
#include "text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

static const char end_of_word[] = "</w>";
enum { END_OF_WORD = sizeof end_of_word - 1 };

/* The GPT-2 alphabet: printable Latin-1 stands for itself, the other 68 byte values follow from
 * U+0100 in order. */
enum { ALPHABET_END = 256 + 68 };

static int stands_for_itself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static void make_alphabet(uint32_t letters[256], int16_t bytes[ALPHABET_END]) {
    uint32_t next = 256;
    for (unsigned i = 0; i < ALPHABET_END; i++) {
        bytes[i] = -1;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        letters[byte] = stands_for_itself(byte) ? byte : next++;
        bytes[letters[byte]] = (int16_t)byte;
    }
}

static int find_special(const glimpse_vocabulary *vocabulary, const char *name,
                        const char *const names[2], int32_t *id, const char **found) {
    for (int i = 0; i < 2; i++) {
        *id = glimpse_vocabulary_find(vocabulary, names[i], strlen(names[i]));
        *found = names[i];
        if (*id >= 0) return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: neither %s nor %s is among the %zu tokens", name,
                        names[0], names[1], vocabulary->count);
}

static void find_bytes(glimpse_vocabulary *vocabulary) {
    uint32_t letters[256];
    int16_t bytes[ALPHABET_END];
    make_alphabet(letters, bytes);
    for (size_t byte = 0; byte < 256; byte++) {
        char text[GLIMPSE_UTF8_MAX_BYTES + END_OF_WORD];
        size_t length = glimpse_utf8_encode(text, letters[byte]);
        memcpy(text + length, end_of_word, END_OF_WORD);
        for (size_t ends = 0; ends < 2; ends++) {
            int32_t id = glimpse_vocabulary_find(vocabulary, text, length + ends * END_OF_WORD);
            vocabulary->byte_ids[byte][ends] = id < 0 ? vocabulary->end_id : id;
        }
    }
}

int glimpse_vocabulary_index_clip(glimpse_vocabulary *vocabulary, const char *name, size_t merges) {
    static const char *const start_names[2] = {"<|startoftext|>", "<start_of_text>"};
    static const char *const end_names[2] = {"<|endoftext|>", "<end_of_text>"};
    int status = glimpse_vocabulary_index(vocabulary, name, merges);
    if (status < 0) return status;
    status =
        find_special(vocabulary, name, start_names, &vocabulary->start_id, &vocabulary->start_name);
    if (status < 0) return status;
    status = find_special(vocabulary, name, end_names, &vocabulary->end_id, &vocabulary->end_name);
    if (status < 0) return status;
    find_bytes(vocabulary);
    return GLIMPSE_OK;
}

/* Turns a token into the bytes it stands for and a NUL; a character outside the alphabet is kept
 * as it is. In place: nothing becomes longer. */
static void show(glimpse_token *entry, const int16_t bytes[ALPHABET_END]) {
    char *text = entry->text;
    size_t length = entry->length, used = 0;
    int ends_word =
        length > END_OF_WORD && memcmp(text + length - END_OF_WORD, end_of_word, END_OF_WORD) == 0;
    if (ends_word) length -= END_OF_WORD;
    for (size_t i = 0; i < length;) {
        if ((uint8_t)text[i] < 0x80) { /* in the alphabet or not, it is itself */
            text[used++] = text[i++];
            continue;
        }
        uint32_t letter;
        size_t taken = glimpse_utf8_decode(&letter, text + i, length - i, NULL);
        if (letter < ALPHABET_END && bytes[letter] >= 0) {
            text[used++] = (char)bytes[letter];
        } else {
            memmove(text + used, text + i, taken);
            used += taken;
        }
        i += taken;
    }
    if (ends_word) text[used++] = ' ';
    text[used] = '\0';
    entry->length = (uint32_t)used;
}

/* "<|padding|>" and the like, which merges do not make either. */
static int looks_special(const glimpse_token *token) {
    return token->length > 2 && token->text[0] == '<' && token->text[token->length - 1] == '>' &&
           !(token->length >= END_OF_WORD &&
             memcmp(token->text + token->length - END_OF_WORD, end_of_word, END_OF_WORD) == 0);
}

static int find_unmade(glimpse_vocabulary *vocabulary) {
    unsigned char *made = calloc(vocabulary->count + 1, 1);
    if (!made) return glimpse_fail_nomem(vocabulary->count, "a vocabulary");
    for (size_t i = 0; i <= vocabulary->merge_mask; i++) {
        if (vocabulary->merges[i].key != UINT64_MAX) made[vocabulary->merges[i].id] = 1;
    }
    for (size_t byte = 0; byte < 256; byte++) {
        made[vocabulary->byte_ids[byte][0]] = made[vocabulary->byte_ids[byte][1]] = 1;
    }
    made[vocabulary->start_id] = made[vocabulary->end_id] = 1;
    for (size_t i = 0; i < vocabulary->count && vocabulary->unmade < 0; i++) {
        if (!made[i] && !looks_special(&vocabulary->tokens[i])) vocabulary->unmade = (int32_t)i;
    }
    free(made);
    return GLIMPSE_OK;
}

int glimpse_vocabulary_finish(glimpse_vocabulary *vocabulary) {
    uint32_t letters[256];
    int16_t alphabet[ALPHABET_END];
    make_alphabet(letters, alphabet);
    int status = find_unmade(vocabulary);
    if (status < 0) return status;
    for (size_t i = 0; i < vocabulary->count; i++) {
        show(&vocabulary->tokens[i], alphabet);
    }
    glimpse_vocabulary_forget_names(vocabulary);
    return GLIMPSE_OK;
}
