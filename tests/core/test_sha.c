/*
 * test_sha.c - digests as the standard has them, in whatever pieces the bytes come.
 */
#include "support/test.h"

#include "core/sha.h"

static void digest(char hex[GLIMPSE_SHA_HEX], glimpse_sha_kind kind, const void *data, size_t size,
                   size_t piece) {
    glimpse_sha sha;
    glimpse_sha_begin(&sha, kind);
    for (size_t at = 0; at < size; at += piece) {
        glimpse_sha_update(&sha, (const char *)data + at, size - at < piece ? size - at : piece);
    }
    glimpse_sha_finish(&sha, hex);
}

/* FIPS 180-4's own examples, and those that end at the edges of a block (from coreutils). */
static const struct {
    const char *text;
    size_t times;
    const char *sha1, *sha256;
} examples[] = {
    {"", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"q", 55, "7b271259bf2d2d3311f75d398745f5309ff76e09",
     "85528b5baff5639cb8e7daca79d085ac29ac0978e873ed7527158616b2b6c379"},
    {"q", 56, "cc30d5bc02bd26f3da6c5801880078dad9a63032",
     "f8ce2f8d6990c639668fe404262f35ed72d8bb145ad6bae786af7284447386df"},
    {"q", 63, "0807f7f930492f9e95070290aeac189e3721bf07",
     "9b49777003a4143d8c3f4d3002eb631c6bda8b030a3ccc87f8a21d5f61c89e87"},
    {"q", 64, "ce2798652a5cbba06c6f736ddeca9724e479e5b7",
     "ee8e658590c9a5e119400a774415a01db104de1ee6e2c29ec69aa73ef46544d2"},
    {"q", 65, "b0931a65ae5cf3e027199de5f7c56eb0f073c552",
     "2b6c3f7f12b1b12fc5409626dc4e5302d8d37082cbeddea7755eac43aba039c8"},
    {"q", 119, "c69516277e59324c6533caed0d3f7974cbc86061",
     "c8bc8a6e9626586bb888ad131d44ed2bd37fc608e902904ade3c566c4208e6ca"},
    {"q", 120, "b265d110f022092352c9471f056c857b31ad79d8",
     "77a2d49d72a11e41678c51f8f0cb67f5cb570f30370c3aeffe266a0d1ee43209"},
    {"q", 128, "4e62cf8bbce5071fabccabebdee5ede47a596d2d",
     "652713bcb795a6978fa84aa8d071d13e9ee581a8e716e8ab18daa49d1e920360"},
};

static void the_digests_of_the_standard(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        size_t length = strlen(examples[i].text), size = length * examples[i].times;
        char *data = malloc(size + 1), hex[GLIMPSE_SHA_HEX];
        for (size_t k = 0; k < examples[i].times; k++)
            memcpy(data + k * length, examples[i].text, length);
        for (size_t piece = 1; piece <= size + 1; piece = piece * 3 + 1) {
            digest(hex, GLIMPSE_SHA1, data, size, piece);
            assert_string_equal(hex, examples[i].sha1);
            digest(hex, GLIMPSE_SHA256, data, size, piece);
            assert_string_equal(hex, examples[i].sha256);
        }
        free(data);
    }
}

static void whatever_the_processor_has_the_state_is_that_of_plain_c(void **state) {
    (void)state;
    uint8_t data[64 * 9];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t blocks = 1; blocks <= 9; blocks++) {
        glimpse_sha one, other;
        glimpse_sha_begin(&one, GLIMPSE_SHA256);
        other = one;
        glimpse_sha_update(&one, data, 64 * blocks);
        glimpse_sha256_plain(other.state, data, blocks);
        assert_memory_equal(one.state, other.state, sizeof one.state);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digests_of_the_standard),
        cmocka_unit_test(whatever_the_processor_has_the_state_is_that_of_plain_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
