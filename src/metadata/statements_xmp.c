/*
 * metadata/statements_xmp.c - all properties of an XMP packet, the structure of RDF flattened: an
 * item of a list is a value of the list, a member of a struct has the struct's name in front.
 */
#include "metadata/statements.h"
#include "metadata/xml_text.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_PATH = 1024, MAX_SPACE = 256, MAX_VALUE = 16 << 20 };
#define SEPARATOR '\t' /* between namespace and name: in no URI */

static const char rdf_space[] = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
static const char xml_space[] = "http://www.w3.org/XML/1998/namespace";

typedef struct frame {
    size_t path_length; /* outside of this element */
    int has_children;
} frame;

typedef struct reader {
    XML_Parser parser;
    glimpse_statement_fn visit;
    void *user;
    frame stack[MAX_DEPTH];
    size_t depth, rdf_depth; /* of rdf:RDF; 0: not in it */
    char path[MAX_PATH], space[MAX_SPACE];
    size_t path_length;
    glimpse_xml_text text;
    int nomem;
} reader;

static int is_in(const char *name, const char *space) {
    const size_t length = strlen(space);
    return strncmp(name, space, length) == 0 && name[length] == SEPARATOR;
}

static const char *local_name(const char *name) {
    const char *separator = strrchr(name, SEPARATOR);
    return separator ? separator + 1 : name;
}

/* What does not fit is cut: the value counts all the same. */
static void enter(reader *r, const char *name) {
    const char *local = local_name(name);
    if (r->path_length == 0) {
        size_t length = local > name ? (size_t)(local - name) - 1 : 0;
        if (length >= MAX_SPACE) length = MAX_SPACE - 1;
        memcpy(r->space, name, length);
        r->space[length] = '\0';
    }
    size_t length = strlen(local);
    if (r->path_length > 0 && r->path_length + 1 < MAX_PATH) r->path[r->path_length++] = '/';
    if (length > MAX_PATH - 1 - r->path_length) length = MAX_PATH - 1 - r->path_length;
    memcpy(r->path + r->path_length, local, length);
    r->path_length += length;
    r->path[r->path_length] = '\0';
}

static void emit(reader *r, const char *text) {
    if (r->path_length == 0) return;
    const glimpse_statement statement = {
        .source = GLIMPSE_STATEMENT_XMP, .space = r->space, .name = r->path, .text = text};
    r->visit(r->user, &statement);
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    reader *r = user;
    r->text.used = 0;
    if (r->depth == MAX_DEPTH) {
        (void)XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    if (r->depth > 0) r->stack[r->depth - 1].has_children = 1;
    r->stack[r->depth++] = (frame){.path_length = r->path_length};
    const int is_rdf = is_in(name, rdf_space);
    if (r->rdf_depth == 0) {
        if (is_rdf && strcmp(local_name(name), "RDF") == 0) r->rdf_depth = r->depth;
        return;
    }
    if (!is_rdf) enter(r, name);
    for (size_t i = 0; attributes[i]; i += 2) {
        const char *attribute = attributes[i];
        const size_t before = r->path_length;
        if (is_in(attribute, xml_space)) continue;
        if (!is_in(attribute, rdf_space)) {
            enter(r, attribute);
            emit(r, attributes[i + 1]);
            r->path_length = before;
            r->path[before] = '\0';
        } else if (strcmp(local_name(attribute), "resource") == 0) {
            emit(r, attributes[i + 1]);
        }
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name) {
    reader *r = user;
    (void)name;
    if (r->depth == 0) return;
    const frame *f = &r->stack[--r->depth];
    if (r->rdf_depth > 0 && !f->has_children && r->text.used > 0) {
        r->text.bytes[r->text.used] = '\0';
        emit(r, r->text.bytes);
    }
    r->path_length = f->path_length;
    r->path[r->path_length] = '\0';
    if (r->depth < r->rdf_depth) r->rdf_depth = 0;
    r->text.used = 0;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    reader *r = user;
    if (r->rdf_depth == 0 || r->path_length == 0) return;
    if (!glimpse_xml_text_add(&r->text, text, (size_t)length, MAX_VALUE)) {
        r->nomem = 1;
        (void)XML_StopParser(r->parser, XML_FALSE);
    }
}

/* As in xmp.c: entities can grow without bound. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int is_parameter,
                              const XML_Char *text, int length, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public_id,
                              const XML_Char *notation) {
    reader *r = user;
    (void)name, (void)is_parameter, (void)text, (void)length, (void)base;
    (void)system, (void)public_id, (void)notation;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

int glimpse_statements_visit_xmp(const uint8_t *data, size_t size, glimpse_statement_fn visit,
                                 void *user) {
    static const XML_Memory_Handling_Suite memory = {malloc, realloc, free};
    const XML_Char separator[2] = {SEPARATOR, '\0'};
    if (size == 0 || size > 1 << 30) return 0;
    reader *r = calloc(1, sizeof *r);
    if (r) r->parser = XML_ParserCreate_MM(NULL, &memory, separator);
    if (!r || !r->parser) {
        free(r);
        return 1;
    }
    r->visit = visit;
    r->user = user;
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetEntityDeclHandler(r->parser, on_entity);
    int nomem = XML_Parse(r->parser, (const char *)data, (int)size, 1) == XML_STATUS_ERROR &&
                XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY;
    nomem |= r->nomem;
    XML_ParserFree(r->parser);
    free(r->text.bytes);
    free(r);
    return nomem;
}
