package io.tallystick.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HashTest {
    /** FIPS 180-2's "abc". */
    private static final String ABC = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    @Test
    void the_hash_of_abc_is_the_published_one() {
        assertEquals(ABC, Hash.of("abc".getBytes(StandardCharsets.US_ASCII)).toString());
        assertEquals(Hash.of("abc".getBytes(StandardCharsets.US_ASCII)), Hash.parse(ABC));
    }

    @Test
    void no_predecessor_is_written_as_43_letters_a() {
        assertEquals("A".repeat(43), Hash.NONE.toString());
        assertEquals(Hash.NONE, Hash.parse("A".repeat(43)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "AAAA",
                // 42 and 44 characters, padding, hex, spare bits set
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"
            })
    void any_other_form_is_refused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Hash.parse(text));
    }

    @Test
    void the_bytes_of_a_hash_cannot_be_changed() {
        byte[] bytes = new byte[Hash.BYTES];
        Hash hash = Hash.ofBytes(bytes);
        bytes[0] = 1;
        hash.bytes()[1] = 1;
        assertEquals(Hash.NONE, hash);
        assertThrows(IllegalArgumentException.class, () -> Hash.ofBytes(new byte[31]));
    }
}
