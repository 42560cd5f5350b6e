/*
 * vlm_refusals.c - whether words say no, or that the picture does not show it.
 *
 * Each language is a small grammar: openers that may come first ("I'm really sorry, but", "as a
 * language model"), and patterns of a sentence behind them. A pattern is a row of tokens:
 *
 *     a|b_c    one of these words, or of these rows of words; "identif~" is any word that begins so
 *     a?       may be missing
 *     *        up to four words of the same clause
 *     %        up to twelve words of the same sentence
 *     .        the end of a sentence or clause
 *
 * Both sides of an apostrophe and of a hyphen are words: "can't" is "can_t", "l'image" "l_image".
 * A sentence with a verb of helping in it ("cannot describe") is what makes a refusal, one with a
 * verb of knowing ("cannot be seen") what makes a "cannot tell". "I won't" alone is neither: it is
 * what signs say.
 */
#include "vlm/vlm_internal.h"

#include <ctype.h>
#include <string.h>

enum {
    LOOKED_AT = 256, /* bytes */
    WORDS = 64,
    LONGEST_UNKNOWN = 200,
    SHORT_GAP = 4,
    LONG_GAP = 12,
    OPENERS = 6 /* one behind the other */
};

typedef struct language {
    const char *const *apologies; /* behind which any "I cannot" is a refusal */
    const char *const *openers;
    const char *const *cannot; /* of such a refusal */
    const char *const *refusals;
    const char *const *unknown;
    const char *const *but; /* and then comes the answer */
} language;

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

#define EN_CANNOT "cannot|can_not|can_t|could_not|couldn_t"
#define EN_UNABLE                                                                         \
 "am_unable_to|m_unable_to|are_unable_to|re_unable_to|am_not_able_to|m_not_able_to|"      \
 "are_not_able_to|re_not_able_to|am_not_allowed_to|m_not_allowed_to|am_not_permitted_to|" \
 "m_not_permitted_to|am_not_authorized_to|m_not_authorized_to|are_not_allowed_to"
#define EN_WILL_NOT                                                                    \
 "will_not|won_t|would_not|wouldn_t|am_not_going_to|m_not_going_to|am_not_willing_to|" \
 "m_not_willing_to|must_not|should_not|shouldn_t|may_not"
#define EN_HELP                                                                              \
 "help_with|help_you|help_identify|help_describe|help_to|help_here|help_in|help_.|"          \
 "help_further|help_answer|assist|assisting|identify|identifying|comply|provide|"            \
 "providing|fulfil|fulfill|do_that|do_this|do_so|describe|describing|discuss|engage|"        \
 "process|answer_this|answer_that|answer_your|answer_the|answer_.|answer_it|support|"        \
 "participate|continue|share|recognize|recognise|create|generate|proceed|respond|"           \
 "name_people|name_anyone|name_anybody|name_individuals|name_persons|name_him|name_her|"     \
 "name_them|name_the|disclose|reveal|accommodate|complete_this|complete_that|complete_your|" \
 "analyze|analyse|interpret"
#define EN_KNOW                                                                            \
 "tell_.|tell_from|tell_what|tell_who|tell_if|tell_whether|tell_how|tell_which|tell_that|" \
 "tell_this|tell_for|tell_exactly|tell_with|tell_where|tell_when|tell_based|tell_the|"     \
 "tell_you|tell_for|tell_anything|tell_much|tell_by|tell_in|tell_due|tell_why|tell_much|"  \
 "tell_it|tell_their|tell_his|tell_her|tell_its|told|determine|determined|say|know|known|" \
 "discern|discerned|judge|make_out|be_sure|be_certain|assess|assessed|ascertain|"          \
 "ascertained|be_answered|answered_from|confirm|verify"
#define EN_PICTURE "image|picture|photo|photograph|scene|text|snapshot|screenshot"
#define EN_REQUEST "request|prompt|question|task|query"
#define EN_BEHIND  "from|in|on|what|who|whether|if|how|which|to|exactly|based|given|due|where|."
#define EN_SHOWN                                                                          \
 "visible|shown|clear|specified|stated|mentioned|legible|indicated|readable|discernible|" \
 "determinable|identifiable|known"

static const language english = {
    .apologies = LIST("i|we am|m|are|re really|very|so|truly|deeply|terribly? sorry|afraid",
                      "really|very|so? sorry", "i|we do? sincerely? apologize|apologise|regret",
                      "my|our? sincere|sincerest? apologies"),
    .openers =
        LIST("unfortunately|regrettably|regretfully|sadly", "as an|a * model|assistant|ai|system",
             "as an|a * model|assistant|ai|system % ,",
             "for privacy|safety|legal|ethical|security * reasons",
             "but|however|that|and|because|so|well|no|hello|hi|to_say|please_note|note"),
    .cannot = LIST("i|we " EN_CANNOT, "i|we " EN_UNABLE),
    .refusals =
        LIST("i|we " EN_CANNOT "|" EN_UNABLE "|" EN_WILL_NOT " * " EN_HELP,
             EN_CANNOT "|unable_to|not_able_to|not_allowed_to|not_permitted_to * " EN_HELP,
             "i|we do_not|don_t identify|provide|describe|generate|discuss|engage",
             "i|we will|must|have_to|need_to|would|m_going_to * respectfully|politely? decline|"
             "refuse|declining",
             "i|we respectfully|politely decline|refuse",
             "i|we decline|refuse to * " EN_HELP "|do|answer", "i|we decline|refuse .",
             "that|this|it is_not|isn_t|s_not something % i|we * can|able|do|will",
             "% isn_t|is_not something i|we do|can|am",
             "i am|m|was|have_been designed|programmed|trained|built|instructed not to * " EN_HELP,
             "i|we would|d prefer|rather not * " EN_HELP "|answer|say|do",
             "i|we do_not|don_t|am_not|m_not|are_not|re_not feel? comfortable|able",
             "it would|is|s be? inappropriate|unethical|improper|wrong|not_appropriate|not_ethical|"
             "not_be_appropriate * to * " EN_HELP,
             "i am|m % ai|assistant|model|language_model % " EN_CANNOT " * " EN_HELP,
             "this|your|the|that|such|it " EN_REQUEST "|content|image|picture? violates|breaches|"
             "goes_against|conflicts_with|contravenes * policy|policies|guidelines|terms|rules",
             "it|that|this? is|s|would_be against my|our * policy|policies|guidelines|principles|"
             "rules|programming|terms",
             "this|your|the|that " EN_REQUEST " * flagged|blocked|rejected|declined|violates|"
             "inappropriate|disallowed",
             "my|our * do_not|don_t|does_not|doesn_t|prevent|prevents|prohibit|prohibits|forbid|"
             "forbids * me|us|" EN_HELP),
    .unknown = LIST(
        "i|we|you|one " EN_CANNOT "|" EN_UNABLE " * " EN_KNOW,
        EN_CANNOT "|unable_to be? * " EN_KNOW,
        "i|we|you|one? " EN_CANNOT "|" EN_UNABLE "|unable_to see|read|find any_text|enough|"
        "clearly|details|that|it|the_" EN_PICTURE,
        "it|this|that|the_answer|the_question " EN_CANNOT " * " EN_KNOW "|seen",
        "it|that|this? is|s? impossible|hard|difficult|unable|not_possible|not_easy for_me? to "
        "* " EN_KNOW,
        "it|that isn_t possible|easy to * " EN_KNOW,
        "there is_no|s_no|isn_t_a|isn_t_any|is_not_a way to|of? " EN_KNOW "|knowing|telling|saying",
        "the|this " EN_PICTURE " is too * to * " EN_KNOW, "no idea .",
        "no way to|of " EN_KNOW "|knowing|telling|saying", "i do_not|don_t know",
        "do_not|don_t know", "i am|m not sure|certain",
        "there is_no|s_no|isn_t_enough|is_not_enough|s_not_enough|is_insufficient "
        "information|detail|details|context",
        "not enough|sufficient information|detail|details|context",
        "insufficient information|detail|details|context|data",
        "i|we do_not|don_t see|have enough|sufficient",
        "the|this|that " EN_PICTURE "|information does_not|doesn_t|cannot|can_t show|contain|say|"
        "indicate|specify|reveal|tell|give|have|provide|include|allow that|this|it|enough|any_"
        "information|sufficient|the_answer|the_information|information|me|us|clear|such|for|to|.",
        "the|this " EN_PICTURE " does_not|doesn_t provide",
        "it|that|this is_not|s_not|isn_t " EN_SHOWN " " EN_BEHIND,
        "the|this|that|his|her|its|their * isn_t|is_not|aren_t|are_not " EN_SHOWN
        " in|on|from? the|this? " EN_PICTURE "? .",
        "it|that|this is|s unclear|uncertain|unknown " EN_BEHIND,
        "not " EN_SHOWN " from|in|on|by the|this " EN_PICTURE " .", "not " EN_SHOWN "|sure .",
        "unknown|unclear|undetermined|indeterminate|n_a|n/a|illegible|unreadable ."),
    .but = LIST("but", "however", "although", "though"),
};

#define DE_CAN "kann|kann_es|k\303\266nnen|k\303\266nnte"
#define DE_MAY \
 DE_CAN "|darf|d\303\274rfen|werde|werden|m\303\266chte|m\303\266chten|will|wollen|soll"
#define DE_NOT "nicht|kein|keine|keinen|keinem|keiner|nichts"
#define DE_HELP                                                                          \
 "helfen|behilflich|weiterhelfen|identifizier~|beantworten|unterst\303\274tzen|"         \
 "beschreiben|nachkommen|erf\303\274llen|bereitstellen|bearbeiten|verarbeiten|auskunft|" \
 "ausk\303\274nfte|hilfe|benennen|entsprechen|teilnehmen|fortfahren|dienen|tun|machen"
#define DE_KNOW                                                                           \
 "erkenn~|sagen|feststell~|festgestellt|bestimm~|beurteil~|ersichtlich|ermittel~|wissen|" \
 "sichtbar|entnehmen|abzulesen|lesbar|angeben"
#define DE_PICTURE "bild|bildes|foto|fotos|aufnahme|abbildung|bildausschnitt"

static const language german = {
    .apologies =
        LIST("es? tut mir|uns * leid", "entschuldig~|verzeihung|verzeihen|sorry sie|bitte?",
             "ich bedaure|bedauere|bedauer"),
    .openers = LIST("leider|bedauerlicherweise", "als * modell|sprachmodell|ki|assistent|assistenz",
                    "aber|doch|jedoch|dass|da|bitte|nein|denn"),
    .cannot = LIST("ich|wir kann|k\303\266nnen|darf % nicht|kein~",
                   "das|dabei|da|damit|hierbei kann|k\303\266nnen|darf ich|wir % nicht|kein~"),
    .refusals = LIST("ich|wir " DE_MAY " % " DE_NOT " % " DE_HELP,
                     "* " DE_MAY " ich|wir % " DE_NOT " % " DE_HELP,
                     "ich|wir muss|m\303\274ssen * ablehnen|verweigern",
                     "ich|wir lehne|lehnen * ab", "ich|wir verweiger~",
                     "ich|wir|mir * nicht|kein~ befugt|berechtigt|erlaubt|gestattet|imstande",
                     "es? ist mir|uns * nicht erlaubt|gestattet|m\303\266glich % " DE_HELP,
                     "diese|ihre|deine|die|das|dieses|der|dieser * anfrage|bitte|inhalt|bild "
                     "verst\303\266\303\237t|verletzt",
                     "meine|unsere * erlauben|verbieten|gestatten|untersagen"),
    .unknown = LIST(
        "ich|man|wir " DE_CAN " * nicht|nichts|kein~|kaum * " DE_KNOW,
        "das|es|dies|dazu|dar\303\274ber|daraus|hier|dies_es? " DE_CAN
        "|l\303\244sst|ist|sind|wird * nicht|nichts|kaum "
        "zu|mit_sicherheit|genau|eindeutig? " DE_KNOW,
        "auf|aus|im|in|anhand dem|des|diesem|dieses? " DE_PICTURE
        " ist|l\303\244sst|kann? * nicht|nichts * " DE_KNOW,
        "kann|l\303\244sst|ist ich|man|sich|das|es * nicht|nichts * " DE_KNOW,
        "kann|l\303\244sst * nicht|nichts * " DE_KNOW " .",
        "das|die|der|dieses|diese " DE_PICTURE " zeigt|gibt|verr\303\244t|l\303\244sst "
        "das|es|dies|dazu|dar\303\274ber|davon * nicht|nichts|kein~",
        "keine angabe|angaben|aussage|auskunft m\303\266glich|vorhanden? .",
        "das? wei\303\237 ich? nicht", "ich wei\303\237 * nicht", "keine ahnung",
        "schwer|schwierig|unm\303\266glich zu " DE_KNOW, "das|es|dies geht * nicht hervor",
        "ich bin mir? nicht sicher", "nicht genug|gen\303\274gend|ausreichend information~",
        "es|das ist unklar|unbekannt", "nicht " DE_KNOW "|eindeutig|bestimmbar .",
        "das|die|der|sein|seine|ihr|ihre * ist|sind nicht sichtbar|lesbar|erkennbar|angegeben .",
        "nicht zu " DE_KNOW, "unbekannt|unklar|unleserlich ."),
    .but = LIST("aber", "jedoch", "allerdings"),
};

#define FR_HELP                                                                              \
 "aider|assister|identifier|fournir|d\303\251crire|satisfaire|r\303\251pondre|donner_suite|" \
 "acc\303\251der|traiter|reconna\303\256tre|faire_cela|faire_\303\247a|le_faire|accepter|"   \
 "poursuivre|continuer|participer|nommer|analyser"
#define FR_KNOW                                                                            \
 "dire|d\303\251terminer|d\303\251termin\303\251|savoir|distinguer|discerner|\303\252tre_" \
 "s\303\273r~|"                                                                            \
 "affirmer|pr\303\251ciser|\303\251tablir|juger"
#define FR_PICTURE "image|photo|photographie"

static const language french = {
    .apologies = LIST("je|nous suis|sommes * d\303\251sol\303\251~|navr\303\251~",
                      "vraiment|sinc\303\250rement? d\303\251sol\303\251~|navr\303\251~",
                      "je regrette|crains", "j ai bien_peur", "toutes? mes excuses", "je m excuse",
                      "pardon|excusez moi?"),
    .openers =
        LIST("malheureusement|h\303\251las", "en tant qu|que * mod\303\250le|ia|assistant",
             "en tant qu|que * mod\303\250le|ia|assistant % ,", "mais|que|car|cependant|de|non"),
    .cannot = LIST("je|nous ne|n peux|puis|pouvons|suis_pas|saurais"),
    .refusals =
        LIST("je|nous ne|n peux|puis|pouvons|saurais|vais|veux|souhaite|suis|dois|ai|"
             "sommes|donne|peut * " FR_HELP "|droit_d|droit_de|autoris\303\251~",
             "je|nous refuse|d\303\251cline|refusons",
             "je|nous pr\303\251f\303\250re|pr\303\251f\303\251rons ne pas * " FR_HELP "|dire",
             "je|nous dois|devons * refuser|d\303\251cliner",
             "il ne|n? m est * interdit|impossible|possible|permis * " FR_HELP,
             "cette|votre|la|ce|l demande|requ\303\252te|contenu|" FR_PICTURE
             " viole|enfreint|contrevient",
             "mes|nos * interdisent|permettent|autorisent"),
    .unknown = LIST(
        "on|je|nous|cela|\303\247a|il ne|n * " FR_KNOW,
        "il_est? impossible|difficile de|\303\240|d * " FR_KNOW,
        "il|ce|cela n est pas "
        "possible|visible|clair|indiqu\303\251~|pr\303\251cis\303\251~|lisible|\303\251vident",
        "l|la|cette " FR_PICTURE " ne|n permet|indique|pr\303\251cise|fournit|donne pas",
        "l|la|cette " FR_PICTURE " ne montre pas cela|\303\247a|assez|suffisamment",
        "je|on ne|n? le? sais|sait pas", "je ne suis pas s\303\273r~|certain~",
        "je suis * incapable|incapacit\303\251 de|d * " FR_KNOW, "aucune id\303\251e",
        "l|la|le|les|son|sa * n_est|ne_sont pas visible~|lisible~|indiqu\303\251~|"
        "pr\303\251cis\303\251~ .",
        "pas assez|suffisamment d|de information~|d\303\251tails",
        "pas visible|clair|lisible|indiqu\303\251~ sur|dans * .", "pas visible|clair|lisible .",
        "inconnu|inconnue|ind\303\251termin\303\251~|illisible ."),
    .but = LIST("mais", "cependant", "toutefois"),
};

#define ES_HELP                                                                              \
 "ayudar~|asistir~|identificar~|proporcionar~|describir~|cumplir~|responder~|facilitar~|"    \
 "procesar~|reconocer~|hacer_eso|hacer_esto|hacerlo|atender~|continuar|compartir~|generar~|" \
 "nombrar~|analizar~"
#define ES_KNOW                                                                            \
 "decir~|determinar~|saber~|distinguir~|asegurar~|precisar~|estar_segur~|apreciar~|verlo|" \
 "confirmar~|afirmar~"
#define ES_PICTURE "imagen|foto|fotograf\303\255a"

static const language spanish = {
    .apologies =
        LIST("lo siento|lamento mucho|much\303\255simo|sinceramente?", "lamento",
             "perd\303\263n|perdona|perdone|disculpa|disculpe", "me temo", "mis disculpas"),
    .openers = LIST("lamentablemente|desafortunadamente", "como * modelo|ia|asistente",
                    "como * modelo|ia|asistente % ,", "pero|que|y|por_desgracia|no_obstante"),
    .cannot = LIST("no puedo|podemos", "no me es posible"),
    .refusals =
        LIST("no puedo|podemos|podr\303\255a|voy|vamos|quiero|deseo|debo|soy|estoy|es|me_es|"
             "me_est\303\241|me_siento * " ES_HELP,
             "no me est\303\241 permitido|autorizado", "no estoy autorizad~|habilitad~",
             "no tengo|tenemos permitido|permiso", "no poder " ES_HELP, "me niego",
             "debo|tengo_que * rechazar|declinar|negarme",
             "esta|tu|su|la|el|este solicitud|petici\303\263n|contenido|" ES_PICTURE
             " viola|infringe|incumple",
             "mis|nuestras * permiten|proh\303\255ben|impiden"),
    .unknown = LIST(
        "no "
        "puedo|podemos|se_puede|es_posible|me_es_posible|soy_capaz|podr\303\255a|se_podr\303\255a|"
        "estoy_en_condiciones * " ES_KNOW,
        "es|resulta? imposible|dif\303\255cil de? * " ES_KNOW, "no lo? s\303\251",
        "no estoy segur~", "la|esta " ES_PICTURE " no permite|indica|proporciona|especifica",
        "la|esta " ES_PICTURE " no muestra|contiene eso|esto|suficiente~|esa|informaci\303\263n",
        "no se ve|aprecia|distingue|muestra|indica|sabe bien|claramente? en la|esta " ES_PICTURE
        " .",
        "no se ve|aprecia|distingue|muestra|indica|sabe bien|claramente? .",
        "no aparece|aparecen|consta|constan|figura|figuran en la|esta " ES_PICTURE " .",
        "el|la|los|las * no es|son visible~|legible~ .",
        "no hay|tengo suficiente informaci\303\263n", "no est\303\241 claro", "ni idea .",
        "no es visible", "no visible|legible .", "desconocid~|indeterminad~|ilegible ."),
    .but = LIST("pero", "sin_embargo", "aunque"),
};

static const language *const languages[] = {&english, &german, &french, &spanish};
enum { LANGUAGES = sizeof languages / sizeof *languages };

/*
 * Words.
 */
typedef struct sentence {
    char text[LOOKED_AT]; /* lower case; each word ended by a NUL */
    const char *words[WORDS + 1];
    size_t count;
} sentence;

static void add(sentence *s, const char *word) {
    if (s->count < WORDS) s->words[s->count++] = word;
}

/* Letters beyond ASCII stay as they are. Marks that are words of their own: "." "?" ",". */
static void read_words(sentence *s, const char *text, size_t size) {
    size_t used = 0;
    int inside = 0;
    s->count = 0;
    if (size > LOOKED_AT - 1) size = LOOKED_AT - 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t left = size - i;
        const char *mark = NULL;
        int apart = 0;
        if (left >= 3 && c == 0xe2 && (unsigned char)text[i + 1] == 0x80) { /* quotes, dashes */
            unsigned char last = (unsigned char)text[i + 2];
            mark = last >= 0x93 && last <= 0x95 ? "," : NULL;
            apart = 1;
            i += 2;
        } else if (c == '?' || c == '!' || c == ';' || c == '\n') {
            mark = c == '?' ? "?" : c == '\n' ? "," : ".";
        } else if (c == '.' && (left == 1 || !isalnum((unsigned char)text[i + 1]))) {
            mark = ".";
        } else if (c == ',' || c == ':') {
            mark = ",";
        } else {
            apart = c < 128 && !isalnum(c) && c != '/' && c != '.';
        }
        if (!mark && !apart) {
            if (!inside) add(s, s->text + used);
            inside = 1;
            s->text[used++] = (char)tolower(c);
            continue;
        }
        /* Every word takes its bytes and the one of what ended it, so it fits. */
        if (inside) s->text[used++] = '\0';
        inside = 0;
        if (mark && s->count > 0) add(s, mark);
    }
    s->text[used] = '\0';
    add(s, ".");
    s->words[s->count] = ".";
}

static int is_end(const char *word) {
    return *word == '.' || *word == '?';
}

/*
 * Patterns.
 */
/* One alternative at word `at`; how many words it takes, 0: it is not there. */
static size_t match_words(const sentence *s, size_t at, const char *row, size_t length) {
    size_t taken = 0;
    for (const char *end = row + length; row < end; taken++) {
        const char *stop = memchr(row, '_', (size_t)(end - row));
        size_t size = (size_t)((stop ? stop : end) - row);
        if (at + taken >= s->count) return 0;
        const char *word = s->words[at + taken];
        int open = size > 0 && row[size - 1] == '~';
        if (strncmp(word, row, size - (size_t)open) != 0) return 0;
        if (!open && word[size] != '\0') return 0;
        row += size + (stop != NULL);
    }
    return taken;
}

/* The rest of a pattern from word `at`; *behind: the first word behind it. */
static int match(const sentence *s, size_t at, const char *pattern, size_t *behind) {
    pattern += strspn(pattern, " ");
    if (*pattern == '\0') {
        *behind = at;
        return 1;
    }
    size_t length = strcspn(pattern, " ");
    const char *rest = pattern + length;
    if (length == 1 && (*pattern == '*' || *pattern == '%')) {
        size_t max = *pattern == '*' ? SHORT_GAP : LONG_GAP;
        for (size_t gap = 0; gap <= max; gap++) {
            if (match(s, at + gap, rest, behind)) return 1;
            if (at + gap >= s->count || is_end(s->words[at + gap])) return 0;
            if (*pattern == '*' && *s->words[at + gap] == ',') return 0;
        }
        return 0;
    }
    int optional = pattern[length - 1] == '?';
    const char *end = pattern + length - optional;
    for (const char *row = pattern; row < end;) {
        const char *stop = memchr(row, '|', (size_t)(end - row));
        size_t size = (size_t)((stop ? stop : end) - row);
        size_t taken = match_words(s, at, row, size);
        if (taken > 0 && match(s, at + taken, rest, behind)) return 1;
        row += size + 1;
    }
    return optional && match(s, at, rest, behind);
}

/* The longest match of one of the patterns; 0: none. */
static size_t match_any(const sentence *s, size_t at, const char *const *patterns) {
    size_t longest = 0;
    for (; *patterns; patterns++) {
        size_t behind = 0;
        if (match(s, at, *patterns, &behind) && behind > longest) longest = behind;
    }
    return longest;
}

/* As match_any(), but of no sentence that ends in a question mark. */
static size_t states(const sentence *s, size_t at, const char *const *patterns) {
    size_t behind = match_any(s, at, patterns), end = behind > 0 ? behind - 1 : 0;
    while (end < s->count && !is_end(s->words[end]))
        end++;
    return end < s->count && *s->words[end] == '?' ? 0 : behind;
}

typedef enum meaning { MEANS_SOMETHING, MEANS_NO, MEANS_UNKNOWN } meaning;

static meaning meaning_in(const language *l, const sentence *s) {
    size_t at = 0;
    int sorry = 0;
    for (int i = 0; i < OPENERS; i++) {
        size_t behind = match_any(s, at, l->apologies);
        if (behind > 0) sorry = 1;
        if (behind == 0) behind = match_any(s, at, l->openers);
        /* Where what looked like an opener is the sentence itself: "it is" of "no, it is". */
        if (behind == 0 || states(s, at, l->unknown) || states(s, at, l->refusals)) break;
        at = behind;
        while (at < s->count && (*s->words[at] == ',' || *s->words[at] == '.'))
            at++;
    }
    if (at >= s->count) return MEANS_SOMETHING;
    if (states(s, at, l->refusals)) return MEANS_NO;
    size_t behind = states(s, at, l->unknown);
    if (behind == 0) return sorry && states(s, at, l->cannot) ? MEANS_NO : MEANS_SOMETHING;
    for (size_t i = behind; i < s->count; i++) {
        if (match_any(s, i, l->but)) return MEANS_SOMETHING;
    }
    return MEANS_UNKNOWN;
}

static int means(const char *text, size_t size, meaning wanted) {
    sentence s;
    read_words(&s, text, size);
    for (size_t i = 0; i < LANGUAGES; i++) {
        if (meaning_in(languages[i], &s) == wanted) return 1;
    }
    return 0;
}

int glimpse_vlm_is_cannot_tell(const char *text, size_t size) {
    return size <= LONGEST_UNKNOWN && !means(text, size, MEANS_NO) &&
           means(text, size, MEANS_UNKNOWN);
}

int glimpse_vlm_declines(const char *text, size_t size) {
    return means(text, size, MEANS_NO);
}
