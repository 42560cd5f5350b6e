/*
 * metadata/xmp_packet.h - the XMP packet in a picture file, as bytes.
 */
#ifndef GLIMPSE_METADATA_XMP_PACKET_H
#define GLIMPSE_METADATA_XMP_PACKET_H

#include <stddef.h>

/* *packet: a malloc'ed copy, NULL when there is none. GLIMPSE_E_UNSUPPORTED when there are several:
 * what is written to one of them may count in no program. */
int glimpse_xmp_packet_of_file(char **packet, size_t *size, const void *data, size_t data_size);

#endif
