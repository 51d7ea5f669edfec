package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;

/**
 * What seller or operator wrote about a change set.
 *
 * @param actor who wrote it, as the audit log names them; sellers are not told which operator it was
 */
public record Message(String id, String changeSetId, Author author, String actor, String text, Instant writtenAt) {
    public static final int TEXT_CHARS_MAX = 5000;
    /** Of one change set, so that a thread is always whole. */
    public static final int PER_SET_MAX = 200;

    /** On whose behalf. */
    public enum Author {
        SELLER,
        OPERATOR;

        /** As written in JSON and the database. */
        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Author ofWire(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        static Author of(Caller caller) {
            return caller.isOperator() ? OPERATOR : SELLER;
        }
    }

    public Map<String, Object> json() {
        return Json.object("id", id, "author", author.wire(), "text", text, "writtenAt", writtenAt);
    }
}
