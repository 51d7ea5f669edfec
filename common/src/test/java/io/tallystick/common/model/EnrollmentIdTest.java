package io.tallystick.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnrollmentIdTest {
    /** Worked by hand in docs/protocol.md; computed with Python's hashlib, not with this code. */
    private static final String KNOWN = "enr-11437dd50bf5918c2aa4c34541ff8f3b";

    @Test
    void the_id_of_a_known_instance_never_changes() {
        assertEquals(
                KNOWN,
                EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0").toString());
    }

    @Test
    void no_separator_can_be_moved_from_one_part_to_another() {
        Set<EnrollmentId> ids = new HashSet<>();
        String[][] triples = {
            {"aws", "1", "23"}, {"aws", "12", "3"}, {"aws1", "2", "3"}, {"aws", "123", ""}, {"aws", "", "123"},
            {"aws", "1/2", "3"}, {"aws", "1", "/23"}, {"aws", "1/", "23"}, {"", "aws", "123"}, {"aws123", "", ""},
            {"aws", "1\0", "23"}, {"aws", "1", "\0" + "23"}, {"aws", "1\0\0\0\2", "23"}
        };
        for (String[] t : triples) {
            ids.add(EnrollmentId.of(t[0], t[1], t[2]));
        }
        assertEquals(triples.length, ids.size());
    }

    @Test
    void lengths_are_counted_in_bytes_of_utf_8() {
        assertNotEquals(EnrollmentId.of("aws", "é", "x"), EnrollmentId.of("aws", "e\u0301", "x"));
    }

    @Test
    void the_written_form_is_read_back() {
        EnrollmentId id = EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0");
        assertEquals(id, EnrollmentId.parse(id.toString()));
        String low = "enr-" + "0".repeat(31) + "1";
        assertEquals(low, EnrollmentId.parse(low).toString());
        String high = "enr-" + "f".repeat(32);
        assertEquals(high, EnrollmentId.parse(high).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "enr-",
                "enr-0123456789abcdef0123456789abcde",
                "enr-0123456789abcdef0123456789abcdef0",
                "enr-0123456789ABCDEF0123456789ABCDEF",
                "ENR-0123456789abcdef0123456789abcdef",
                "0123456789abcdef0123456789abcdef",
                "enr-01234567-89ab-cdef-0123-456789abcdef",
                "enr-0123456789abcdef0123456789abcdef\n",
                "enr-../../../../../../../../etc/pass"
            })
    void any_other_form_is_refused(String text) {
        assertThrows(IllegalArgumentException.class, () -> EnrollmentId.parse(text));
    }

    /** PostgreSQL compares uuid as unsigned bytes; locks taken in another order could deadlock. */
    @Test
    void ids_sort_as_their_text_does() {
        List<EnrollmentId> ids = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            ids.add(EnrollmentId.of("aws", "123456789012", "i-" + i));
        }
        Collections.sort(ids);
        for (int i = 1; i < ids.size(); i++) {
            assertTrue(ids.get(i - 1).toString().compareTo(ids.get(i).toString()) < 0);
        }
    }
}
