/*
 * vlm_words.c - what of a model's words is its answer: without its thinking, special tokens and
 * quotation marks.
 */
#include "vlm/vlm_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Thinking.
 */
typedef struct thinking {
    const char *open, *close; /* open NULL: only the end is marked */
    int lone;                 /* the closing tag alone ends thinking that began with the text */
} thinking;

static const thinking tags[] = {
    {"<think>", "</think>", 1},
    {"<thinking>", "</thinking>", 1},
    {"<thought>", "</thought>", 1},
    {"<thoughts>", "</thoughts>", 1},
    {"<reasoning>", "</reasoning>", 1},
    {"<reflection>", "</reflection>", 1},
    {"<antthinking>", "</antthinking>", 1},
    {"<scratchpad>", "</scratchpad>", 1},
    {"<inner_thoughts>", "</inner_thoughts>", 1},
    {"<seed:think>", "</seed:think>", 1},
    {"[think]", "[/think]", 1},
    {"\xe2\x97\x81think\xe2\x96\xb7", "\xe2\x97\x81/think\xe2\x96\xb7", 1}, /* in triangles */
    {"<|begin_of_thought|>", "<|end_of_thought|>", 1},
    {"<|start_thinking|>", "<|end_thinking|>", 1},
    {"<|channel|>analysis<|message|>", "<|end|>", 0},
    {"<|channel|>commentary<|message|>", "<|end|>", 0},
    {"<|channel>thought", "<channel|>", 1},
    {NULL, "<|channel|>final<|message|>", 1},
};
enum { TAGS = sizeof tags / sizeof *tags };

/* Length of `tag` at text[0], 0: it is not there. Before a closing bracket there may be blanks:
 * "</think >". */
static size_t tag_at(const char *text, size_t left, const char *tag) {
    size_t length = tag ? strlen(tag) : 0;
    if (length == 0 || length > left || strncasecmp(text, tag, length - 1) != 0) return 0;
    size_t at = length - 1;
    while (tag[length - 1] == '>' && at < left && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at < left && tolower((unsigned char)text[at]) == tolower((unsigned char)tag[length - 1])
               ? at + 1
               : 0;
}

/* One pass: `start` is where thinking began, when it did; what is outside it is moved to the
 * front. A closing tag without its opening one drops all before it. */
int glimpse_vlm_drop_thinking(char *text, size_t *size) {
    size_t used = 0;
    int found = 0;
    const thinking *inside = NULL;
    for (size_t i = 0; i < *size;) {
        const size_t left = *size - i;
        size_t skip = 0;
        if (text[i] == '<' || text[i] == '[' || text[i] == '\xe2') {
            for (size_t t = 0; t < TAGS && skip == 0; t++) {
                size_t open = tag_at(text + i, left, tags[t].open);
                size_t close = tag_at(text + i, left, tags[t].close);
                if (open > 0 && !inside) inside = &tags[t];
                if (close > 0 && (inside == &tags[t] || tags[t].lone)) {
                    if (inside != &tags[t]) used = 0;
                    inside = NULL;
                } else {
                    close = 0;
                }
                skip = open > 0 ? open : close;
            }
        }
        if (skip > 0) {
            found = 1;
            i += skip;
        } else {
            if (!inside) text[used++] = text[i];
            i++;
        }
    }
    *size = used;
    return found;
}

/*
 * Around the whole.
 */
static size_t token_at(const char *text, size_t left) {
    static const char *const names[] = {
        "<s>",     "</s>",    "<eos>",         "<bos>",           "<pad>",
        "<unk>",   "<image>", "<end_of_turn>", "<start_of_turn>", "<end_of_utterance>",
        "[/inst]", "[inst]",  "<answer>",      "</answer>",       "[eos]",
        "[pad]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = tag_at(text, left, names[i]);
        if (length > 0) return length;
    }
    /* "<|im_end|>", or with full-width bars and U+2581 between the words. */
    static const char *const bars[] = {"|", "\xef\xbd\x9c"};
    for (size_t i = 0; i < 2; i++) {
        const size_t bar = strlen(bars[i]), start = 1 + bar;
        if (left < start + 1 || *text != '<' || memcmp(text + 1, bars[i], bar) != 0) continue;
        size_t at = start;
        while (at < left && at < 48) {
            if (left - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0)
                at += 3;
            else if (isalnum((unsigned char)text[at]) || text[at] == '_')
                at++;
            else
                break;
        }
        if (at > start && left - at > bar && memcmp(text + at, bars[i], bar) == 0 &&
            text[at + bar] == '>') {
            return at + bar + 1;
        }
    }
    return 0;
}

/* Who speaks, behind a token that opens a turn: "<|im_start|>assistant\n". */
static size_t role_at(const char *text, size_t left) {
    static const char *const roles[] = {"assistant", "model"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        size_t length = tag_at(text, left, roles[i]);
        if (length > 0 && length < left &&
            (text[length] == '\n' || token_at(text + length, left - length) > 0)) {
            return length;
        }
    }
    return 0;
}

/* The token that ends at the end of the text. */
static size_t token_before(const char *text, size_t size) {
    const size_t window = size < 64 ? size : 64;
    if (size == 0 || (text[size - 1] != '>' && text[size - 1] != ']')) return 0;
    for (size_t back = window; back >= 3; back--) {
        if (token_at(text + size - back, back) == back) return back;
    }
    return 0;
}

static int holds(const char *text, size_t size, const char *part) {
    return memmem(text, size, part, strlen(part)) != NULL;
}

static int drop_quotes(const char **text, size_t *size) {
    static const char *const pairs[][2] = {
        {"\"", "\""},
        {"**", "**"},
        {"'", "'"},
        {"`", "`"},
        {"\xe2\x80\x9c", "\xe2\x80\x9d"}, /* English */
        {"\xe2\x80\x9e", "\xe2\x80\x9c"}, /* German */
        {"\xe2\x80\x9e", "\xe2\x80\x9d"},
        {"\xe2\x80\x98", "\xe2\x80\x99"},
        {"\xe2\x80\x9a", "\xe2\x80\x98"},
        {"\xc2\xab", "\xc2\xbb"}, /* French, Spanish */
        {"\xc2\xbb", "\xc2\xab"},
        {"\xe3\x80\x8c", "\xe3\x80\x8d"}, /* Japanese */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *open = pairs[i][0], *close = pairs[i][1];
        const size_t before = strlen(open), after = strlen(close);
        /* A full stop may stand behind them. */
        const size_t stop = *size > 0 && (*text)[*size - 1] == '.', whole = *size - stop;
        if (whole <= before + after || memcmp(*text, open, before) != 0 ||
            memcmp(*text + whole - after, close, after) != 0) {
            continue;
        }
        const char *inner = *text + before;
        const size_t length = whole - before - after;
        if (holds(inner, length, open) || holds(inner, length, close)) continue; /* "A" or "B" */
        *text = inner;
        *size = length;
        return 1;
    }
    return 0;
}

void glimpse_vlm_tidy(char *text, size_t *size) {
    const char *start = text;
    size_t left = *size;
    for (int again = 1; again;) {
        size_t length;
        again = 0;
        while (left > 0 && isspace((unsigned char)*start)) {
            start++;
            left--;
        }
        while (left > 0 && isspace((unsigned char)start[left - 1]))
            left--;
        if ((length = token_at(start, left)) > 0) {
            length += role_at(start + length, left - length);
            start += length;
            left -= length;
            again = 1;
        } else if ((length = token_before(start, left)) > 0) {
            left -= length;
            again = 1;
        } else if (drop_quotes(&start, &left)) {
            again = 1;
        }
    }
    memmove(text, start, left);
    *size = left;
}
