/*
 * shared.c - the linker wants one object that is the shared library's own; everything else in it
 * comes from the engine's and the index's archives.
 */
#include <glimpse/glimpse.h>
