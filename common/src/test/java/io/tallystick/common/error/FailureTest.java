package io.tallystick.common.error;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FailureTest {
    @Test
    void one_problem_is_told_in_the_detail_and_many_are_counted() {
        Failure.Problem a = new Failure.Problem("seq", "is missing");
        Failure.Problem b = new Failure.Problem("", "and more");
        assertEquals(
                "seq: is missing",
                Failure.of(ErrorCode.INVALID_REQUEST, List.of(a)).detail());
        Failure both = Failure.of(ErrorCode.INVALID_REQUEST, List.of(a, b));
        assertEquals("2 problems, see errors", both.detail());
        assertEquals("invalid-request: 2 problems, see errors [seq: is missing; and more]", both.getMessage());
        assertEquals(List.of(a, b), both.problems());
    }

    @Test
    void members_keep_the_order_they_were_given_in() {
        Failure failure = Failure.of(ErrorCode.GAP, "came too early");
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            failure = failure.with("member" + i, i);
            names.add("member" + i);
        }
        assertEquals(names, List.copyOf(failure.data().keySet()));
        Failure done = failure;
        assertThrows(UnsupportedOperationException.class, () -> done.data().put("x", 1));
    }

    @Test
    void a_refusal_is_an_answer_and_carries_no_stack() {
        assertEquals(0, Failure.of(ErrorCode.GAP, "x").getStackTrace().length);
    }

    @Test
    void every_code_has_one_form_on_the_wire_and_a_title_without_a_full_stop() {
        Set<String> seen = new HashSet<>();
        for (ErrorCode code : ErrorCode.values()) {
            assertTrue(code.wire().matches("[a-z]+(-[a-z]+)*"), code.wire());
            assertTrue(seen.add(code.wire()), code.wire());
            assertEquals(Optional.of(code), ErrorCode.ofWire(code.wire()));
            assertFalse(code.title().endsWith("."), code.title());
        }
        assertEquals(Optional.empty(), ErrorCode.ofWire("a-code-of-a-newer-peer"));
        assertEquals(Optional.empty(), ErrorCode.ofWire("INVALID_JSON"));
    }
}
