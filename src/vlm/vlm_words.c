/*
 * vlm_words.c - what of a model's words is its answer: without its thinking, special tokens and
 * quotation marks; and whether they say no, or that the picture does not show it.
 *
 * Languages are rows of one table. A sentence says no when it begins with a negation ("I cannot",
 * "ich kann", "je ne peux pas") and one of the verbs of helping follows within a few words; it says
 * that it cannot tell when one of the verbs of knowing does, and it is short and has no "but".
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
    {"<seed:think>", "</seed:think>", 1},
    {"[think]", "[/think]", 1},
    {"\xe2\x97\x81think\xe2\x96\xb7", "\xe2\x97\x81/think\xe2\x96\xb7", 1}, /* in triangles */
    {"<|begin_of_thought|>", "<|end_of_thought|>", 1},
    {"<|start_thinking|>", "<|end_thinking|>", 1},
    {"<|channel|>analysis<|message|>", "<|end|>", 0},
    {NULL, "<|channel|>final<|message|>", 1},
};
enum { TAGS = sizeof tags / sizeof *tags };

static size_t tag_at(const char *text, size_t left, const char *tag) {
    size_t length = tag ? strlen(tag) : 0;
    return length > 0 && length <= left && strncasecmp(text, tag, length) == 0 ? length : 0;
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
    if (left < 5 || memcmp(text, "<|", 2) != 0) return 0; /* "<|im_end|>" */
    size_t at = 2;
    while (at < left && at < 48 && (isalnum((unsigned char)text[at]) || text[at] == '_'))
        at++;
    return at > 2 && at + 2 <= left && memcmp(text + at, "|>", 2) == 0 ? at + 2 : 0;
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
        if (*size <= before + after || memcmp(*text, open, before) != 0 ||
            memcmp(*text + *size - after, close, after) != 0) {
            continue;
        }
        const char *inner = *text + before;
        const size_t length = *size - before - after;
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

/*
 * What they say.
 */
enum { WORDS = 40 };
typedef struct language {
    const char *apologies[WORDS]; /* may come first */
    const char *negations[WORDS]; /* begins the sentence, after an apology or without */
    const char *telling[WORDS];   /* verbs, soon behind a negation */
    const char *helping[WORDS];
    const char *flat[WORDS];    /* begins a refusal by itself */
    const char *unknown[WORDS]; /* begins a "cannot tell" by itself */
    const char *whole[WORDS];   /* is one, alone */
    const char *but[4];         /* and then comes the answer */
    const char *cannot[8];      /* behind an apology: a refusal, whatever the verb */
    const char *denial;         /* that must follow then; NULL: none */
} language;

static const language languages[] = {
    {
        .apologies = {"i'm sorry", "i am sorry", "sorry", "i apologize", "i apologise",
                      "my apologies", "apologies", "unfortunately", "i'm afraid", "i am afraid",
                      "i regret", "as an ai language model", "as an ai model", "as an ai", NULL},
        .negations = {"i cannot",
                      "i can't",
                      "i can not",
                      "i am unable to",
                      "i'm unable to",
                      "i am not able to",
                      "i'm not able to",
                      "we cannot",
                      "we can't",
                      "cannot",
                      "can't",
                      "unable to",
                      "it is impossible to",
                      "it's impossible to",
                      "impossible to",
                      "it is not possible to",
                      "it's not possible to",
                      "it isn't possible to",
                      "not possible to",
                      "it cannot",
                      "it can't",
                      "this cannot",
                      "this can't",
                      "that cannot",
                      "that can't",
                      "one cannot",
                      "it is hard to",
                      "it's hard to",
                      "hard to",
                      "it is difficult to",
                      "it's difficult to",
                      "difficult to",
                      "there is no way to",
                      NULL},
        .telling = {"tell", "told", "determine", "say", "know", "discern", "judge", "make out",
                    "be sure", "be certain", "be known", "assess", "be answered from", NULL},
        .helping = {"help",      "assist",      "identify",    "comply",      "provide",
                    "fulfil",    "do that",     "do this",     "describe",    "discuss",
                    "engage",    "process",     "answer this", "answer that", "answer your",
                    "support",   "participate", "continue",    "share",       "recognize",
                    "recognise", "fulfill",     "create",      "generate",    NULL},
        .flat = {"i won't", "i will not", "i must decline", "i have to decline", "i decline to",
                 "i'm not comfortable", "i am not comfortable", "i don't feel comfortable",
                 "i refuse", "i'm not going to", "i am not going to", "i don't identify",
                 "i do not identify", "i don't provide", NULL},
        .unknown = {"i don't know", "i do not know", "don't know", "i'm not sure", "i am not sure",
                    "not enough information", "there is not enough information",
                    "there isn't enough information", "insufficient information", "no way to tell",
                    "the image does not provide", "the image doesn't provide",
                    "the picture does not provide", "the image does not contain enough",
                    "it is unclear", "it's unclear", NULL},
        .whole = {"unknown", "unclear", "not sure", "n/a", "not determinable", "undetermined",
                  "indeterminate", "not visible", NULL},
        .but = {" but ", "however", NULL},
        .cannot = {"i can't", "i cannot", "i can not", "i'm unable", "i am unable", "i'm not able",
                   "i am not able", NULL},
    },
    {
        .apologies = {"es tut mir leid", "es tut mir sehr leid", "tut mir leid", "entschuldigung",
                      "entschuldige", "entschuldigen sie", "leider", "ich bedaure", "verzeihung",
                      "sorry", "bedauerlicherweise", NULL},
        .negations = {"ich kann",
                      "kann ich",
                      "kann ",
                      "das kann",
                      "das l\xc3\xa4sst sich",
                      "es l\xc3\xa4sst sich",
                      "l\xc3\xa4sst sich",
                      "es kann",
                      "dies kann",
                      "das ist",
                      "es ist",
                      "ist ",
                      "man kann",
                      "ich darf",
                      "dabei kann",
                      "darf ich",
                      "dies l\xc3\xa4sst sich",
                      "auf dem bild ist",
                      "aus dem bild",
                      NULL},
        .telling = {"nicht erkenn", "nicht sagen", "nicht feststell", "nicht bestimm",
                    "nicht beurteil", "nicht ersichtlich", "nicht zu erkennen", "nicht zu sagen",
                    "nicht festgestellt", "nicht wissen", "nicht mit sicherheit", "nicht ermitteln",
                    NULL},
        .helping = {"nicht helfen", "nicht behilflich", "nicht weiterhelfen", "nicht identifizier",
                    "nicht beantworten", "nicht unterst\xc3\xbctzen", "nicht beschreiben",
                    "nicht nachkommen", "nicht erf\xc3\xbcllen", "keine auskunft",
                    "nicht bereitstellen", "nicht dabei helfen", "keine hilfe", NULL},
        .flat = {"das werde ich nicht", "ich werde das nicht", "ich werde nicht", "ich verweigere",
                 "ich muss ablehnen", "ich lehne", NULL},
        .unknown = {"ich wei\xc3\x9f nicht", "ich wei\xc3\x9f es nicht",
                    "das wei\xc3\x9f ich nicht", "wei\xc3\x9f nicht", "keine ahnung",
                    "ich bin mir nicht sicher", "ich bin nicht sicher", "nicht genug information",
                    "es ist unklar", "das ist unklar", NULL},
        .whole = {"unbekannt", "unklar", "nicht erkennbar", "nicht ersichtlich",
                  "nicht zu erkennen", "nicht bestimmbar", "nicht sichtbar", NULL},
        .but = {" aber ", " jedoch ", NULL},
        .cannot = {"ich kann", "kann ich", "dabei kann ich", "das kann ich", "da kann ich", NULL},
        .denial = "nicht",
    },
    {
        .apologies = {"d\xc3\xa9sol\xc3\xa9", "d\xc3\xa9sol\303\251e",
                      "je suis d\xc3\xa9sol\xc3\xa9", "je suis d\xc3\xa9sol\303\251e",
                      "je regrette", "malheureusement", "pardon", "excusez-moi", NULL},
        .negations = {"je ne peux", "je ne puis", "je ne suis pas en mesure", "impossible d",
                      "il est impossible d", "il n'est pas possible d", "on ne peut",
                      "ce n'est pas possible d", "je ne saurais", "cela ne peut",
                      "je suis dans l'incapacit\xc3\xa9", "je suis incapable d", NULL},
        .telling = {"dire", "d\xc3\xa9termin", "savoir", "distinguer", "discerner",
                    "\xc3\xaatre s\xc3\xbbr", "affirmer", "pr\303\251ciser", NULL},
        .helping = {"aider", "assister", "identifier", "fournir", "d\303\251crire", "satisfaire",
                    "r\xc3\xa9pondre", "donner suite", "acc\303\251der \xc3\xa0", "traiter",
                    "reconna\xc3\xaetre", NULL},
        .flat = {"je refuse", "je ne vais pas", "je dois refuser", "je ne souhaite pas", NULL},
        .unknown = {"je ne sais pas", "je ne le sais pas", "aucune id\303\251e",
                    "je ne suis pas s\xc3\xbbr", "l'image ne permet pas", "pas assez d'information",
                    "on ne sait pas", NULL},
        .whole = {"inconnu", "inconnue", "pas clair", "ind\xc3\xa9termin\xc3\xa9", "pas visible",
                  NULL},
        .but = {" mais ", "cependant", "toutefois", NULL},
        .cannot = {"je ne peux", "je ne puis", "je ne suis pas en mesure", NULL},
    },
    {
        .apologies = {"lo siento", "lo siento mucho", "lo lamento", "lamento", "lamentablemente",
                      "desafortunadamente", "perd\xc3\xb3n", "disculpa", "disculpe", NULL},
        .negations = {"no puedo", "no se puede", "no es posible", "es imposible", "imposible",
                      "no podemos", "no soy capaz de", "no me es posible",
                      "no estoy en condiciones", "resulta imposible", NULL},
        .telling = {"decir", "determinar", "saber", "distinguir", "asegurar", "precisar",
                    "estar segur", "apreciar", NULL},
        .helping = {"ayudar", "asistir", "identificar", "proporcionar", "describir", "cumplir",
                    "responder", "facilitar", "procesar", "reconocer", NULL},
        .flat = {"me niego", "no voy a", "debo rechazar", "no quiero", NULL},
        .unknown = {"no lo s\xc3\xa9", "no s\xc3\xa9", "no estoy segur", "la imagen no permite",
                    "no hay suficiente informaci\xc3\xb3n",
                    "no tengo suficiente informaci\xc3\xb3n", "no est\xc3\xa1 claro", NULL},
        .whole = {"desconocido", "desconocida", "indeterminado", "no visible", NULL},
        .but = {" pero ", "sin embargo", NULL},
        .cannot = {"no puedo", "no podemos", "no me es posible", NULL},
    },
};
enum {
    LANGUAGES = sizeof languages / sizeof *languages,
    LONGEST_START = 256, /* that is looked at */
    LONGEST_UNKNOWN = 200,
    LONGEST_GAP = 28 /* between a negation and its verb: "dir dabei leider" */
};

/* The beginning in lower case, with plain apostrophes and single blanks, without markup in front
 * and punctuation behind. Letters beyond ASCII stay as they are. */
static void plain_start(char to[LONGEST_START], const char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size && used + 1 < LONGEST_START; i++) {
        unsigned char c = (unsigned char)text[i];
        if (i + 2 < size && (memcmp(text + i, "\xe2\x80\x99", 3) == 0)) {
            c = '\'';
            i += 2;
        }
        if (isspace(c) || c == '*' || c == '_' || c == '#') c = ' ';
        if (c == ' ' && (used == 0 || to[used - 1] == ' ')) continue;
        to[used++] = (char)tolower(c);
    }
    while (used > 0 && strchr(" .!?\"'", to[used - 1]))
        used--;
    to[used] = '\0';
}

static size_t begins(const char *text, const char *const *starts) {
    size_t longest = 0;
    for (; *starts; starts++) {
        size_t length = strlen(*starts);
        if (length > longest && strncmp(text, *starts, length) == 0) longest = length;
    }
    return longest;
}

/* Whether one of the verbs begins within the first few words. */
static int soon(const char *text, const char *const *verbs) {
    for (; *verbs; verbs++) {
        const char *at = strstr(text, *verbs);
        if (at && at - text <= LONGEST_GAP && (at == text || at[-1] == ' ' || at[-1] == '\'')) {
            return 1;
        }
    }
    return 0;
}

/* Behind ", but ", ". ", "; ": where the next clause begins. */
static const char *next_clause(const char *text) {
    static const char *const links[] = {"but ",  "aber ", "mais ", "pero ",    "that ",
                                        "dass ", "que ",  "da ",   "because ", NULL};
    text += strspn(text, " ,.;:!-");
    if (strncmp(text, "\xe2\x80\x94", 3) == 0) text += 3; /* a dash */
    text += strspn(text, " ");
    size_t link = begins(text, links);
    return text + link;
}

typedef enum meaning { MEANS_SOMETHING, MEANS_NO, MEANS_UNKNOWN } meaning;

/* *rest: what comes behind what decided. */
static meaning meaning_in(const language *l, const char *text, const char **rest) {
    size_t sorry = begins(text, l->apologies);
    if (sorry > 0) text = next_clause(text + sorry);
    /* "As an AI, I'm sorry, but I can't" */
    size_t more = sorry > 0 ? begins(text, l->apologies) : 0;
    if (more > 0) text = next_clause(text + more);
    if (begins(text, l->flat)) return MEANS_NO;
    size_t negated = begins(text, l->negations);
    *rest = text + negated;
    if (negated == 0) return begins(text, l->unknown) ? MEANS_UNKNOWN : MEANS_SOMETHING;
    *rest += strspn(*rest, " ");
    if (strncmp(*rest, "help but ", 9) == 0) return MEANS_SOMETHING; /* "can't help but notice" */
    if (soon(*rest, l->helping)) return MEANS_NO;
    if (soon(*rest, l->telling) || begins(text, l->unknown)) return MEANS_UNKNOWN;
    return MEANS_SOMETHING;
}

/* "Sorry, I can't": whatever it is that it cannot. */
static int is_sorry_and_cannot(const language *l, const char *text) {
    size_t sorry = begins(text, l->apologies);
    const char *rest = sorry > 0 ? next_clause(text + sorry) : "";
    return begins(rest, l->cannot) > 0 && (!l->denial || strstr(rest, l->denial));
}

static int is_whole(const char *text, const char *const *words) {
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) return 1;
    }
    return 0;
}

static int goes_on(const language *l, const char *text) {
    for (const char *const *but = l->but; *but; but++) {
        if (strstr(text, *but)) return 1;
    }
    return 0;
}

int glimpse_vlm_is_cannot_tell(const char *text, size_t size) {
    char start[LONGEST_START];
    if (size > LONGEST_UNKNOWN) return 0;
    plain_start(start, text, size);
    for (size_t i = 0; i < LANGUAGES; i++) {
        const language *l = &languages[i];
        if (is_whole(start, l->whole)) return 1;
        const char *rest = start;
        if (meaning_in(l, start, &rest) == MEANS_UNKNOWN && !goes_on(l, rest)) return 1;
    }
    return 0;
}

int glimpse_vlm_declines(const char *text, size_t size) {
    char start[LONGEST_START];
    plain_start(start, text, size);
    for (size_t i = 0; i < LANGUAGES; i++) {
        const language *l = &languages[i];
        const char *rest = start;
        meaning m = meaning_in(l, start, &rest);
        if (m == MEANS_NO || (m == MEANS_SOMETHING && is_sorry_and_cannot(l, start))) return 1;
    }
    return 0;
}
