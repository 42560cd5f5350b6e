/*
 * metadata/xmp_edit.c - which pieces of an XMP packet go and which come; metadata/xmp_edit.h has
 * the rules.
 *
 * What needs a new property goes into one rdf:Description of its own at the end of rdf:RDF, with
 * its namespaces: that is right in every packet, whatever prefixes it uses.
 */
#include "metadata/xmp_edit.h"

#include "core/error.h"
#include "core/utf8.h"
#include "metadata/xmp_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    char *bytes;
    size_t used, capacity;
} buffer;

typedef struct piece { /* [begin, end) of the packet becomes `text` */
    size_t begin, end, order;
    char *text;
} piece;

typedef struct mark { /* of glimpse:Written */
    const char *text, *value;
    char source[32];
    int field; /* -1: one of a later version */
    int dropped;
} mark;

typedef struct list_change {
    char **added;
    size_t count, capacity;
    char *removed; /* [found.item_count] */
} list_change;

typedef struct editor {
    const glimpse_xmp_edit *edit;
    glimpse_xmp_edited *out;
    const char *packet;
    size_t size;
    glimpse_xmp_scan scan;
    glimpse_xmp_item *items; /* [item_count] each once, trimmed, with owned texts */
    size_t item_count;
    mark *marks;
    size_t mark_count;
    list_change lists[GLIMPSE_XMP_PROPERTIES];
    piece *pieces;
    size_t piece_count, piece_capacity;
    buffer made;     /* new properties */
    unsigned spaces; /* of them: a bit a property */
    int status;
} editor;

static const char *const field_names[GLIMPSE_XMP_FIELDS] = {"keyword", "description", "title",
                                                            "rating",  "label",       "place"};

const char *glimpse_xmp_field_name(glimpse_xmp_field field) {
    return (unsigned)field < GLIMPSE_XMP_FIELDS ? field_names[field] : "";
}

static void fail(editor *e, int status) {
    if (e->status == GLIMPSE_OK) e->status = status;
}

static void fail_nomem(editor *e) {
    if (e->status == GLIMPSE_OK) e->status = glimpse_fail_nomem(e->size, "an XMP packet");
}

/*
 * Texts.
 */
static void append(editor *e, buffer *to, const char *text, size_t length) {
    if (!to->bytes || to->used + length + 1 > to->capacity) {
        size_t capacity = to->capacity ? to->capacity : 512;
        while (capacity < to->used + length + 1)
            capacity *= 2;
        char *grown = realloc(to->bytes, capacity);
        if (!grown) {
            fail_nomem(e);
            return;
        }
        to->bytes = grown;
        to->capacity = capacity;
    }
    memcpy(to->bytes + to->used, text, length);
    to->used += length;
    to->bytes[to->used] = '\0';
}

static void append_text(editor *e, buffer *to, const char *text) {
    append(e, to, text, strlen(text));
}

static void append_escaped(editor *e, buffer *to, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '&': append_text(e, to, "&amp;"); break;
        case '<': append_text(e, to, "&lt;"); break;
        case '>': append_text(e, to, "&gt;"); break;
        case '"': append_text(e, to, "&quot;"); break;
        default: append(e, to, text, 1);
        }
    }
}

/* malloc'ed: as a text of XML may be, and as it comes back. NULL when out of memory. */
static char *clean(const char *text) {
    char *copy = glimpse_xmp_trimmed(text, strlen(text));
    for (char *c = copy; c && *c; c++) {
        if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') *c = ' ';
    }
    return copy;
}

static const char *leaf_of(const char *keyword) {
    const char *bar = strrchr(keyword, '|');
    return bar ? bar + 1 : keyword;
}

/* XMP's form of an angle: "38,42.678000N". */
static void write_angle(char *out, size_t capacity, double degrees, const char *signs) {
    const double all = fabs(degrees) * 60;
    int whole = (int)(all / 60);
    double minutes = all - 60.0 * whole;
    if (minutes >= 59.9999995) whole++, minutes = 0;
    (void)snprintf(out, capacity, "%d,%.6f%c", whole, minutes, signs[degrees < 0]);
}

static char *place_text(const char *text) {
    char *end = NULL, *out = malloc(64);
    const double latitude = strtod(text, &end), longitude = strtod(end, &end);
    if (!out) return NULL;
    char a[24], b[24];
    write_angle(a, sizeof a, latitude, "NS");
    write_angle(b, sizeof b, longitude, "EW");
    (void)snprintf(out, 64, "%s %s", a, b);
    return out;
}

/*
 * What is asked, each thing once.
 */
static int is_there(const editor *e, const glimpse_xmp_item *item) {
    for (size_t i = 0; i < e->item_count; i++) {
        if (e->items[i].field != item->field) continue;
        if (item->field != GLIMPSE_XMP_KEYWORD || strcmp(e->items[i].text, item->text) == 0)
            return 1;
    }
    return 0;
}

static void load_items(editor *e) {
    e->items = calloc(e->edit->item_count + 1, sizeof *e->items);
    if (!e->items) {
        fail_nomem(e);
        return;
    }
    for (size_t i = 0; i < e->edit->item_count; i++) {
        glimpse_xmp_item item = e->edit->items[i];
        if ((unsigned)item.field >= GLIMPSE_XMP_FIELDS || !item.text ||
            !glimpse_utf8_is_valid(item.text, strlen(item.text)))
            continue;
        char *text = item.field == GLIMPSE_XMP_PLACE ? place_text(item.text) : clean(item.text);
        if (!text) {
            fail_nomem(e);
            return;
        }
        item.text = text;
        if (!*text || (item.field == GLIMPSE_XMP_KEYWORD && !*leaf_of(text)) ||
            is_there(e, &item)) {
            free(text);
        } else {
            e->items[e->item_count++] = item;
        }
    }
}

static const glimpse_xmp_item *item_of(const editor *e, glimpse_xmp_field field) {
    for (size_t i = 0; i < e->item_count; i++) {
        if (e->items[i].field == field && e->items[i].text) return &e->items[i];
    }
    return NULL;
}

static const glimpse_xmp_item *keyword_item(const editor *e, const char *text) {
    for (size_t i = 0; i < e->item_count; i++) {
        if (e->items[i].field == GLIMPSE_XMP_KEYWORD && strcmp(e->items[i].text, text) == 0)
            return &e->items[i];
    }
    return NULL;
}

static void load_marks(editor *e) {
    const glimpse_xmp_found *found = &e->scan.found[GLIMPSE_XMP_P_WRITTEN];
    if (found->form != GLIMPSE_XMP_LIST) return;
    e->marks = calloc(found->item_count + 1, sizeof *e->marks);
    if (!e->marks) {
        fail_nomem(e);
        return;
    }
    e->mark_count = found->item_count;
    for (size_t i = 0; i < found->item_count; i++) {
        mark *m = &e->marks[i];
        m->text = found->items[i].text;
        m->field = -1;
        const char *field = strchr(m->text, ' '), *value = field ? strchr(field + 1, ' ') : NULL;
        if (!value || (size_t)(field - m->text) >= sizeof m->source) continue;
        memcpy(m->source, m->text, (size_t)(field - m->text));
        m->value = value + 1;
        for (int k = 0; k < GLIMPSE_XMP_FIELDS; k++) {
            const size_t length = (size_t)(value - field - 1);
            if (strlen(field_names[k]) == length && strncmp(field_names[k], field + 1, length) == 0)
                m->field = k;
        }
    }
}

/* Of a source that this is about. */
static int is_asked(const editor *e, const mark *m) {
    for (size_t i = 0; i < e->edit->source_count; i++) {
        if (strcmp(e->edit->sources[i], m->source) == 0) return 1;
    }
    return 0;
}

static mark *mark_of(const editor *e, glimpse_xmp_field field, const char *value) {
    for (size_t i = 0; i < e->mark_count; i++) {
        mark *m = &e->marks[i];
        if (m->field != (int)field || !m->value || m->dropped || !is_asked(e, m)) continue;
        if (!value || strcmp(m->value, value) == 0) return m;
    }
    return NULL;
}

static void note(editor *e, glimpse_xmp_change_kind kind, glimpse_xmp_field field,
                 const char *text) {
    glimpse_xmp_edited *out = e->out;
    if (out->change_count == out->change_capacity) {
        const size_t capacity = out->change_capacity ? 2 * out->change_capacity : 16;
        glimpse_xmp_change *grown = realloc(out->changes, capacity * sizeof *grown);
        if (!grown) {
            fail_nomem(e);
            return;
        }
        out->changes = grown;
        out->change_capacity = capacity;
    }
    char *copy = strdup(text);
    if (!copy) {
        fail_nomem(e);
        return;
    }
    out->changes[out->change_count++] = (glimpse_xmp_change){kind, field, copy};
}

/*
 * Pieces.
 */
/* Takes over `text` (malloc'ed; NULL: nothing comes). */
static void replace(editor *e, size_t begin, size_t end, char *text) {
    if (e->piece_count == e->piece_capacity) {
        const size_t capacity = e->piece_capacity ? 2 * e->piece_capacity : 32;
        piece *grown = realloc(e->pieces, capacity * sizeof *grown);
        if (!grown) {
            free(text);
            fail_nomem(e);
            return;
        }
        e->pieces = grown;
        e->piece_capacity = capacity;
    }
    e->pieces[e->piece_count] = (piece){begin, end, e->piece_count, text};
    e->piece_count++;
}

static size_t before_blanks(const editor *e, size_t at) {
    while (at > 0 && glimpse_xmp_is_blank(e->packet[at - 1]))
        at--;
    return at;
}

/* An element with the blanks before it. */
static void cut(editor *e, glimpse_xmp_span span) {
    replace(e, before_blanks(e, span.begin), span.end, NULL);
}

static int refuse_form(editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_property_name *name = &glimpse_xmp_property_names[property];
    fail(e, glimpse_fail(GLIMPSE_E_FORMAT, "its XMP has %s:%s %s", name->prefix, name->name,
                         e->scan.found[property].form == GLIMPSE_XMP_TWICE
                             ? "twice"
                             : "in a form that is not its own"));
    return -1;
}

/*
 * Lists.
 */
static int list_has(const editor *e, glimpse_xmp_property property, const char *text) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    const list_change *change = &e->lists[property];
    for (size_t i = 0; found->form == GLIMPSE_XMP_LIST && i < found->item_count; i++) {
        if (strcmp(found->items[i].text, text) == 0 && !(change->removed && change->removed[i]))
            return 1;
    }
    for (size_t i = 0; i < change->count; i++) {
        if (strcmp(change->added[i], text) == 0) return 1;
    }
    return 0;
}

/* One that can be added to, or made. */
static int list_is_usable(editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    if (found->form == GLIMPSE_XMP_ABSENT || found->form == GLIMPSE_XMP_LIST) return 1;
    if (found->form == GLIMPSE_XMP_SIMPLE && !*found->text) return 1;
    return refuse_form(e, property) == 0;
}

static int list_is_there(const editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    return found->form != GLIMPSE_XMP_ABSENT &&
           !(found->form == GLIMPSE_XMP_SIMPLE && !*found->text);
}

static int list_add(editor *e, glimpse_xmp_property property, const char *text) {
    list_change *change = &e->lists[property];
    if (!list_is_usable(e, property) || list_has(e, property, text)) return 0;
    if (change->count == change->capacity) {
        const size_t capacity = change->capacity ? 2 * change->capacity : 16;
        char **grown = realloc(change->added, capacity * sizeof *grown);
        if (!grown) {
            fail_nomem(e);
            return 0;
        }
        change->added = grown;
        change->capacity = capacity;
    }
    char *copy = strdup(text);
    if (!copy) {
        fail_nomem(e);
        return 0;
    }
    change->added[change->count++] = copy;
    return 1;
}

static int list_remove(editor *e, glimpse_xmp_property property, const char *text) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    list_change *change = &e->lists[property];
    int removed = 0;
    if (found->form != GLIMPSE_XMP_LIST) return 0;
    if (!change->removed) change->removed = calloc(found->item_count + 1, 1);
    if (!change->removed) {
        fail_nomem(e);
        return 0;
    }
    for (size_t i = 0; i < found->item_count; i++) {
        if (change->removed[i] || strcmp(found->items[i].text, text) != 0) continue;
        change->removed[i] = 1;
        removed = 1;
    }
    return removed;
}

/* "rdf:" of "<rdf:Bag>", with which its items are called as well. */
static void append_prefix(editor *e, buffer *to, glimpse_xmp_span tag) {
    const char *name = e->packet + tag.begin + 1;
    size_t length = 0;
    while (tag.begin + 1 + length < tag.end && !glimpse_xmp_is_blank(name[length]) &&
           name[length] != '>' && name[length] != '/' && name[length] != ':')
        length++;
    if (tag.begin + 1 + length < tag.end && name[length] == ':') append(e, to, name, length + 1);
}

static void append_items(editor *e, buffer *to, const list_change *change, const char *lead,
                         size_t lead_length, const char *prefix) {
    for (size_t i = 0; i < change->count; i++) {
        append(e, to, lead, lead_length);
        append_text(e, to, "<"), append_text(e, to, prefix), append_text(e, to, "li>");
        append_escaped(e, to, change->added[i]);
        append_text(e, to, "</"), append_text(e, to, prefix), append_text(e, to, "li>");
    }
}

static void use_space(editor *e, glimpse_xmp_property property) {
    e->spaces |= 1u << property;
}

static void make_list(editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_property_name *name = &glimpse_xmp_property_names[property];
    char line[128];
    use_space(e, property);
    (void)snprintf(line, sizeof line, "\n   <%s:%s>\n    <rdf:%s>", name->prefix, name->name,
                   name->container);
    append_text(e, &e->made, line);
    static const char lead[] = "\n     ";
    append_items(e, &e->made, &e->lists[property], lead, sizeof lead - 1, "rdf:");
    (void)snprintf(line, sizeof line, "\n    </rdf:%s>\n   </%s:%s>", name->container, name->prefix,
                   name->name);
    append_text(e, &e->made, line);
}

static void extend_list(editor *e, const glimpse_xmp_found *found, const list_change *change) {
    buffer prefix = {0}, text = {0};
    append_text(e, &prefix, ""); /* so that it is a text */
    append_prefix(e, &prefix, found->container);
    if (e->status < 0) goto done;
    if (found->container_end == 0) { /* <rdf:Bag/> */
        size_t slash = found->container.end - 2;
        append_text(e, &text, ">");
        append_items(e, &text, change, "", 0, prefix.bytes);
        append_text(e, &text, "</");
        size_t length = 1;
        const char *name = e->packet + found->container.begin + 1;
        while (!glimpse_xmp_is_blank(name[length]) && name[length] != '/')
            length++;
        append(e, &text, name, length);
        append_text(e, &text, ">");
        replace(e, slash, found->container.end, text.bytes);
        text.bytes = NULL;
    } else {
        /* Laid out as the items that are there. */
        const size_t next =
            found->item_count > 0 ? found->items[0].span.begin : found->container_end;
        const size_t lead = before_blanks(e, next), at = before_blanks(e, found->container_end);
        append_items(e, &text, change, e->packet + lead, next - lead, prefix.bytes);
        replace(e, at, at, text.bytes);
        text.bytes = NULL;
    }
done:
    free(prefix.bytes);
    free(text.bytes);
}

static void finish_list(editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    const list_change *change = &e->lists[property];
    size_t left = 0;
    if (found->form != GLIMPSE_XMP_LIST) {
        if (change->count == 0) return;
        if (found->form != GLIMPSE_XMP_ABSENT) cut(e, found->span);
        make_list(e, property);
        return;
    }
    for (size_t i = 0; i < found->item_count; i++)
        left += !(change->removed && change->removed[i]);
    if (left == 0 && change->count == 0 && change->removed) {
        cut(e, found->span);
        return;
    }
    for (size_t i = 0; change->removed && i < found->item_count; i++) {
        if (change->removed[i]) cut(e, found->items[i].span);
    }
    if (change->count > 0) extend_list(e, found, change);
}

/*
 * Keywords.
 */
static void path_for_digikam(char *path) {
    for (; *path; path++) {
        if (*path == '|') *path = '/';
    }
}

static int add_to_digikam(editor *e, const char *keyword) {
    char *path = strdup(keyword);
    if (!path) {
        fail_nomem(e);
        return 0;
    }
    path_for_digikam(path);
    const int added = list_add(e, GLIMPSE_XMP_P_TAGS_LIST, path);
    free(path);
    return added;
}

static int has_leaf(const editor *e, const char *leaf) {
    for (size_t i = 0; i < e->item_count; i++) {
        if (e->items[i].field == GLIMPSE_XMP_KEYWORD &&
            strcmp(leaf_of(e->items[i].text), leaf) == 0)
            return 1;
    }
    return 0;
}

/* What others say, into lists of hierarchies that are made; what is asked comes by itself. */
static void begin_hierarchies(editor *e, const char *keyword, int is_flat) {
    for (size_t i = 0; is_flat && i < e->edit->hierarchical_count; i++) {
        if (strcmp(leaf_of(e->edit->hierarchical[i]), keyword) == 0) return;
    }
    if (!*keyword || keyword_item(e, keyword) || (is_flat && has_leaf(e, keyword))) return;
    if (!list_is_there(e, GLIMPSE_XMP_P_HIERARCHICAL))
        (void)list_add(e, GLIMPSE_XMP_P_HIERARCHICAL, keyword);
    if (e->edit->is_digikam && !list_is_there(e, GLIMPSE_XMP_P_TAGS_LIST))
        (void)add_to_digikam(e, keyword);
}

/* A list that is made does not hide what others say. */
static void begin_lists(editor *e, int has_hierarchy) {
    const glimpse_xmp_found *subject = &e->scan.found[GLIMPSE_XMP_P_SUBJECT];
    const int makes = !list_is_there(e, GLIMPSE_XMP_P_SUBJECT);
    for (size_t i = 0; has_hierarchy && i < e->edit->hierarchical_count; i++)
        begin_hierarchies(e, e->edit->hierarchical[i], 0);
    for (size_t i = 0; makes && i < e->edit->keyword_count; i++) {
        const char *keyword = e->edit->keywords[i];
        if (!has_leaf(e, keyword)) (void)list_add(e, GLIMPSE_XMP_P_SUBJECT, keyword);
        if (has_hierarchy) begin_hierarchies(e, keyword, 1);
    }
    for (size_t i = 0;
         has_hierarchy && subject->form == GLIMPSE_XMP_LIST && i < subject->item_count; i++)
        begin_hierarchies(e, subject->items[i].text, 1);
}

static int add_keyword(editor *e, const char *keyword) {
    const int is_path = strchr(keyword, '|') != NULL;
    int added = list_add(e, GLIMPSE_XMP_P_SUBJECT, leaf_of(keyword));
    if (!added && !is_path) return 0; /* somebody has it already, in the lists of his */
    if (is_path || list_is_there(e, GLIMPSE_XMP_P_HIERARCHICAL))
        added |= list_add(e, GLIMPSE_XMP_P_HIERARCHICAL, keyword);
    if ((is_path && e->edit->is_digikam) || list_is_there(e, GLIMPSE_XMP_P_TAGS_LIST))
        added |= add_to_digikam(e, keyword);
    return added;
}

static void remove_keyword(editor *e, const char *keyword) {
    int removed = 0;
    char *path = strdup(keyword);
    if (!path) {
        fail_nomem(e);
        return;
    }
    if (!has_leaf(e, leaf_of(keyword)))
        removed |= list_remove(e, GLIMPSE_XMP_P_SUBJECT, leaf_of(keyword));
    removed |= list_remove(e, GLIMPSE_XMP_P_HIERARCHICAL, keyword);
    path_for_digikam(path);
    removed |= list_remove(e, GLIMPSE_XMP_P_TAGS_LIST, path);
    free(path);
    if (removed) note(e, GLIMPSE_XMP_REMOVED, GLIMPSE_XMP_KEYWORD, keyword);
}

static void write_mark(editor *e, const glimpse_xmp_item *item) {
    buffer text = {0};
    append_text(e, &text, item->source), append_text(e, &text, " ");
    append_text(e, &text, field_names[item->field]), append_text(e, &text, " ");
    append_text(e, &text, item->text);
    if (text.bytes) (void)list_add(e, GLIMPSE_XMP_P_WRITTEN, text.bytes);
    free(text.bytes);
}

static void drop_mark(editor *e, mark *m) {
    m->dropped = 1;
    (void)list_remove(e, GLIMPSE_XMP_P_WRITTEN, m->text);
}

static void edit_keywords(editor *e) {
    int has_hierarchy = 0, has_new = 0;
    for (size_t i = 0; i < e->mark_count; i++) {
        mark *m = &e->marks[i];
        if (m->field != GLIMPSE_XMP_KEYWORD || !m->value || !is_asked(e, m)) continue;
        if (keyword_item(e, m->value)) continue;
        remove_keyword(e, m->value);
        drop_mark(e, m);
    }
    for (size_t i = 0; i < e->item_count; i++) {
        const glimpse_xmp_item *item = &e->items[i];
        if (item->field != GLIMPSE_XMP_KEYWORD || !item->text) continue;
        if (strchr(item->text, '|')) has_hierarchy = 1;
        if (!mark_of(e, GLIMPSE_XMP_KEYWORD, item->text)) has_new = 1;
    }
    if (has_new) begin_lists(e, has_hierarchy);
    for (size_t i = 0; i < e->item_count; i++) {
        const glimpse_xmp_item *item = &e->items[i];
        if (item->field != GLIMPSE_XMP_KEYWORD || !item->text) continue;
        const mark *m = mark_of(e, GLIMPSE_XMP_KEYWORD, item->text);
        if (m && !e->edit->overwrite && !list_has(e, GLIMPSE_XMP_P_SUBJECT, leaf_of(item->text))) {
            note(e, GLIMPSE_XMP_KEPT, GLIMPSE_XMP_KEYWORD, item->text);
        } else if (add_keyword(e, item->text)) {
            note(e, GLIMPSE_XMP_ADDED, GLIMPSE_XMP_KEYWORD, item->text);
            if (!m) write_mark(e, item);
        }
    }
}

/*
 * Single values.
 */
typedef struct single {
    glimpse_xmp_field field;
    glimpse_xmp_property properties[2]; /* the second of a place */
    int count;
} single;

static const single singles[] = {
    {GLIMPSE_XMP_DESCRIPTION, {GLIMPSE_XMP_P_DESCRIPTION, 0}, 1},
    {GLIMPSE_XMP_TITLE, {GLIMPSE_XMP_P_TITLE, 0}, 1},
    {GLIMPSE_XMP_RATING, {GLIMPSE_XMP_P_RATING, 0}, 1},
    {GLIMPSE_XMP_LABEL, {GLIMPSE_XMP_P_LABEL, 0}, 1},
    {GLIMPSE_XMP_PLACE, {GLIMPSE_XMP_P_LATITUDE, GLIMPSE_XMP_P_LONGITUDE}, 2},
};

/* Of a list of languages the one for all; -1: there is none at all. */
static long default_item(const glimpse_xmp_found *found) {
    for (size_t i = 0; i < found->item_count; i++) {
        if (strcmp(found->items[i].language, "x-default") == 0) return (long)i;
    }
    return found->item_count > 0 ? 0 : -1;
}

static const char *value_of(const editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    if (found->form == GLIMPSE_XMP_LIST) {
        const long at = default_item(found);
        return at >= 0 ? found->items[at].text : "";
    }
    return found->text ? found->text : "";
}

static void remove_property(editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    switch (found->form) {
    case GLIMPSE_XMP_ABSENT: break;
    case GLIMPSE_XMP_ATTRIBUTE: replace(e, found->span.begin, found->span.end, NULL); break;
    case GLIMPSE_XMP_LIST:
        if (found->item_count > 1) {
            cut(e, found->items[default_item(found)].span);
            break;
        }
        cut(e, found->span);
        break;
    case GLIMPSE_XMP_SIMPLE: cut(e, found->span); break;
    case GLIMPSE_XMP_OTHER:
    case GLIMPSE_XMP_TWICE: (void)refuse_form(e, property);
    }
}

static void append_language_item(editor *e, buffer *to, const char *prefix, const char *text) {
    append_text(e, to, "<"), append_text(e, to, prefix);
    append_text(e, to, "li xml:lang=\"x-default\">");
    append_escaped(e, to, text);
    append_text(e, to, "</"), append_text(e, to, prefix), append_text(e, to, "li>");
}

static void write_in(editor *e, glimpse_xmp_property property, const char *text) {
    const glimpse_xmp_property_name *name = &glimpse_xmp_property_names[property];
    const glimpse_xmp_found *found = &e->scan.found[property];
    const long at = found->form == GLIMPSE_XMP_LIST ? default_item(found) : -1;
    if (at >= 0) {
        buffer prefix = {0}, item = {0};
        append_text(e, &prefix, "");
        append_prefix(e, &prefix, found->container);
        if (prefix.bytes) append_language_item(e, &item, prefix.bytes, text);
        replace(e, found->items[at].span.begin, found->items[at].span.end, item.bytes);
        free(prefix.bytes);
        return;
    }
    remove_property(e, property);
    use_space(e, property);
    append_text(e, &e->made, "\n   <"), append_text(e, &e->made, name->prefix);
    append_text(e, &e->made, ":"), append_text(e, &e->made, name->name);
    append_text(e, &e->made, ">");
    if (name->container) {
        append_text(e, &e->made, "\n    <rdf:Alt>\n     ");
        append_language_item(e, &e->made, "rdf:", text);
        append_text(e, &e->made, "\n    </rdf:Alt>\n   ");
    } else {
        append_escaped(e, &e->made, text);
    }
    append_text(e, &e->made, "</"), append_text(e, &e->made, name->prefix);
    append_text(e, &e->made, ":"), append_text(e, &e->made, name->name);
    append_text(e, &e->made, ">");
}

static int is_same(glimpse_xmp_field field, const char *a, const char *b) {
    if (strcmp(a, b) == 0) return 1;
    return field == GLIMPSE_XMP_RATING && *a && *b && strtod(a, NULL) == strtod(b, NULL);
}

static const char *known(const editor *e, glimpse_xmp_field field) {
    const char *text = field == GLIMPSE_XMP_DESCRIPTION ? e->edit->description
                       : field == GLIMPSE_XMP_TITLE     ? e->edit->title
                                                        : NULL;
    return text ? text : "";
}

static int is_odd(const editor *e, glimpse_xmp_property property) {
    const glimpse_xmp_found *found = &e->scan.found[property];
    return found->form == GLIMPSE_XMP_OTHER || found->form == GLIMPSE_XMP_TWICE ||
           (found->form == GLIMPSE_XMP_LIST && !glimpse_xmp_property_names[property].container);
}

static void edit_single(editor *e, const single *what) {
    const glimpse_xmp_item *item = item_of(e, what->field);
    mark *m = mark_of(e, what->field, NULL);
    if (!item && !m) return;
    for (int i = 0; i < what->count; i++) {
        if (is_odd(e, what->properties[i])) {
            (void)refuse_form(e, what->properties[i]);
            return;
        }
    }
    char *now = NULL;
    {
        buffer text = {0};
        append_text(e, &text, value_of(e, what->properties[0]));
        if (what->count > 1 && (text.used > 0 || *value_of(e, what->properties[1]))) {
            append_text(e, &text, " ");
            append_text(e, &text, value_of(e, what->properties[1]));
        }
        now = text.bytes;
    }
    if (e->status < 0 || !now) {
        free(now);
        return;
    }
    const int ours = m && *now && is_same(what->field, now, m->value);
    const int is_known =
        *known(e, what->field) && (!item || strcmp(known(e, what->field), item->text) != 0);
    if (!item) {
        if (ours) {
            for (int i = 0; i < what->count; i++)
                remove_property(e, what->properties[i]);
            note(e, GLIMPSE_XMP_REMOVED, what->field, now);
        }
        drop_mark(e, m);
    } else if (is_same(what->field, now, item->text)) {
        /* It says so already. */
    } else if (!e->edit->overwrite && (*now ? !ours : m || is_known)) {
        note(e, GLIMPSE_XMP_KEPT, what->field, item->text);
    } else {
        char *second = NULL;
        char *first = strdup(item->text);
        if (!first) fail_nomem(e);
        if (first && what->count > 1 && (second = strchr(first, ' '))) *second++ = '\0';
        if (first) write_in(e, what->properties[0], first);
        if (second) write_in(e, what->properties[1], second);
        free(first);
        note(e, *now ? GLIMPSE_XMP_REPLACED : GLIMPSE_XMP_ADDED, what->field, item->text);
        if (m) drop_mark(e, m);
        write_mark(e, item);
    }
    free(now);
}

/*
 * The whole.
 */
static void add_description(editor *e) {
    buffer text = {0};
    if (e->made.used == 0) return;
    const int is_empty = e->scan.rdf_end == 0;
    if (is_empty) append_text(e, &text, ">");
    append_text(e, &text, "\n  <rdf:Description xmlns:rdf=\"" GLIMPSE_NS_RDF "\" rdf:about=\"");
    if (e->scan.about) append_escaped(e, &text, e->scan.about);
    append_text(e, &text, "\"");
    for (int i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        int is_first = 1;
        for (int k = 0; k < i; k++) {
            if (e->spaces >> k & 1u && strcmp(glimpse_xmp_property_names[k].prefix,
                                              glimpse_xmp_property_names[i].prefix) == 0)
                is_first = 0;
        }
        if (!(e->spaces >> i & 1u) || !is_first) continue;
        append_text(e, &text, "\n    xmlns:");
        append_text(e, &text, glimpse_xmp_property_names[i].prefix);
        append_text(e, &text, "=\"");
        append_text(e, &text, glimpse_xmp_property_names[i].space);
        append_text(e, &text, "\"");
    }
    append_text(e, &text, ">");
    append_text(e, &text, e->made.bytes);
    append_text(e, &text, "\n  </rdf:Description>");
    if (is_empty) {
        const size_t slash = e->scan.rdf_start.end - 2, begin = e->scan.rdf_start.begin + 1;
        size_t length = 0;
        while (!glimpse_xmp_is_blank(e->packet[begin + length]) && e->packet[begin + length] != '/')
            length++;
        append_text(e, &text, "\n</");
        append(e, &text, e->packet + begin, length);
        append_text(e, &text, ">");
        replace(e, slash, e->scan.rdf_start.end, text.bytes);
    } else {
        const size_t at = before_blanks(e, e->scan.rdf_end);
        replace(e, at, at, text.bytes);
    }
}

static int by_place(const void *a, const void *b) {
    const piece *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Pieces may touch: what is cut with the blanks before it ends where the next begins. */
static void assemble(editor *e) {
    buffer out = {0};
    size_t at = 0;
    if (e->piece_count > 1) qsort(e->pieces, e->piece_count, sizeof *e->pieces, by_place);
    for (size_t i = 0; i < e->piece_count && e->status == GLIMPSE_OK; i++) {
        const piece *p = &e->pieces[i];
        if (p->begin > at) append(e, &out, e->packet + at, p->begin - at);
        if (p->text) append_text(e, &out, p->text);
        if (p->end > at) at = p->end;
    }
    append(e, &out, e->packet + at, e->size - at);
    if (e->status < 0) {
        free(out.bytes);
        return;
    }
    glimpse_xmp_scan again;
    const int status = glimpse_xmp_scan_packet(&again, out.bytes, out.used);
    glimpse_xmp_scan_free(&again);
    if (status < 0) {
        free(out.bytes);
        fail(e, status);
        return;
    }
    e->out->bytes = out.bytes;
    e->out->size = out.used;
}

static int changes_something(const glimpse_xmp_edited *out) {
    for (size_t i = 0; i < out->change_count; i++) {
        if (out->changes[i].kind != GLIMPSE_XMP_KEPT) return 1;
    }
    return 0;
}

static const char empty_sidecar[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"glimpse\">\n"
                                    " <rdf:RDF xmlns:rdf=\"" GLIMPSE_NS_RDF "\">\n"
                                    " </rdf:RDF>\n</x:xmpmeta>\n";
static const char empty_packet[] =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"glimpse\">\n"
    " <rdf:RDF xmlns:rdf=\"" GLIMPSE_NS_RDF "\">\n"
    " </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>";

static void free_editor(editor *e) {
    glimpse_xmp_scan_free(&e->scan);
    for (size_t i = 0; i < e->item_count; i++)
        free((char *)(size_t)e->items[i].text);
    free(e->items);
    free(e->marks);
    for (size_t i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        for (size_t k = 0; k < e->lists[i].count; k++)
            free(e->lists[i].added[k]);
        free(e->lists[i].added);
        free(e->lists[i].removed);
    }
    for (size_t i = 0; i < e->piece_count; i++)
        free(e->pieces[i].text);
    free(e->pieces);
    free(e->made.bytes);
}

int glimpse_xmp_edit_packet(glimpse_xmp_edited *out, const char *packet, size_t size,
                            const glimpse_xmp_edit *edit) {
    *out = (glimpse_xmp_edited){0};
    if (!packet) {
        packet = edit->is_packet ? empty_packet : empty_sidecar;
        size = edit->is_packet ? sizeof empty_packet - 1 : sizeof empty_sidecar - 1;
    }
    editor e = {.edit = edit, .out = out, .packet = packet, .size = size};
    e.status = glimpse_xmp_scan_packet(&e.scan, packet, size);
    if (e.status == GLIMPSE_OK && e.scan.found[GLIMPSE_XMP_P_EXTENDED].form != GLIMPSE_XMP_ABSENT) {
        e.status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "its XMP goes on in a second packet (extended XMP), which would be "
                                "lost; a sidecar can be written");
    }
    if (e.status == GLIMPSE_OK) load_items(&e);
    if (e.status == GLIMPSE_OK) load_marks(&e);
    if (e.status == GLIMPSE_OK) edit_keywords(&e);
    for (size_t i = 0; i < sizeof singles / sizeof *singles && e.status == GLIMPSE_OK; i++)
        edit_single(&e, &singles[i]);
    if (e.status == GLIMPSE_OK && changes_something(out)) {
        for (int i = 0; i < GLIMPSE_XMP_P_DESCRIPTION; i++)
            finish_list(&e, (glimpse_xmp_property)i);
        add_description(&e);
        if (e.status == GLIMPSE_OK) assemble(&e);
    }
    const int status = e.status;
    free_editor(&e);
    if (status < 0) glimpse_xmp_edited_free(out);
    return status;
}

void glimpse_xmp_edited_free(glimpse_xmp_edited *edited) {
    for (size_t i = 0; i < edited->change_count; i++)
        free(edited->changes[i].text);
    free(edited->changes);
    free(edited->bytes);
    *edited = (glimpse_xmp_edited){0};
}
