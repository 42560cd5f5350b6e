/*
 * known.h - lists of what the library knows, for help texts and messages, so that none of them has
 * to be told of a new kind.
 */
#ifndef GLIMPSE_TOOLS_KNOWN_H
#define GLIMPSE_TOOLS_KNOWN_H

/* malloc'ed: `text` with these filled in (other braces stay):
 *
 *     {remote models}   openai:MODEL, anthropic:MODEL, gemini:MODEL or endpoint:URL
 *     {remote names}    openai:, anthropic:, gemini: or endpoint:
 *     {remote keys}     OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or GLIMPSE_VLM_KEY
 *     {tokenizers}      clip-hf, clip-openclip, siglip, gemma or wordpiece
 */
char *known_fill(const char *text);

#endif
