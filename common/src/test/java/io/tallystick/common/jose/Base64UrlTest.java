package io.tallystick.common.jose;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Base64UrlTest {
    /** RFC 4648 section 10, without padding; and the two characters of the URL alphabet. */
    @ParameterizedTest
    @CsvSource({"'',''", "f,Zg", "fo,Zm8", "foo,Zm9v", "foob,Zm9vYg", "fooba,Zm9vYmE", "foobar,Zm9vYmFy"})
    void the_published_vectors_hold(String text, String encoded) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertEquals(encoded, Base64Url.encode(bytes));
        assertArrayEquals(bytes, Base64Url.decode(encoded));
    }

    @Test
    void the_url_alphabet_is_used() {
        assertEquals("-_-_", Base64Url.encode(new byte[] {(byte) 0xfb, (byte) 0xff, (byte) 0xbf}));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // padding
                "Zg==",
                "Zg=",
                "Zm8=",
                "Zm9vYg==",
                "=",
                "Zm9v=",
                // spare bits: all decode to "f" or "fo" in a lenient decoder
                "Zh",
                "Zi",
                "Zv",
                "Zm9",
                "Zm-",
                "Zm_",
                // one character over, other alphabet, white space, other letters
                "Z",
                "Zm9vY",
                "+/+/",
                "Zm9v\n",
                " Zm9v",
                "Zm 9v",
                "Zm9v\u0000",
                "Zé",
                "Ｚm",
                "Zm9v.",
                "Zm8\u0100"
            })
    void a_second_text_for_the_same_bytes_is_refused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Base64Url.decode(text));
    }

    @Test
    void what_is_encoded_is_decoded() {
        Random random = new Random(7);
        for (int length = 0; length < 200; length++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            assertArrayEquals(bytes, Base64Url.decode(Base64Url.encode(bytes)));
        }
    }
}
