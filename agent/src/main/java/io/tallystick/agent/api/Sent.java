package io.tallystick.agent.api;

import io.tallystick.agent.store.Tx;
import io.tallystick.common.json.Json;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code GET /v1/sent} says: the signed batches that left this VM or wait to, newest first, each with its receipt.
 * As they were signed, so that who reads them can verify them.
 */
final class Sent {
    /** Batches in one answer, and the default. */
    static final int LIMIT_MAX = 50;
    /** Characters of batches and receipts in one answer: it is built in a small heap. One batch always fits. */
    private static final int ANSWER_CHARS = 512 * 1024;

    private Sent() {}

    static int limit(String text) {
        if (!text.matches("[0-9]{1,3}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > LIMIT_MAX) {
            throw new IllegalArgumentException("must be a number from 1 to " + LIMIT_MAX);
        }
        return Integer.parseInt(text);
    }

    /** A batch by its numbers, written {@code epoch.seq}. */
    record Place(long epoch, long seq) {
        /** Behind every batch. */
        static final Place END = new Place(Long.MAX_VALUE, 0);

        static Place parse(String text) {
            if (!text.matches("[0-9]{1,18}\\.[0-9]{1,18}")) {
                throw new IllegalArgumentException("must be epoch.seq, such as 1.42");
            }
            int dot = text.indexOf('.');
            return new Place(Long.parseLong(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)));
        }

        @Override
        public String toString() {
            return epoch + "." + seq;
        }
    }

    private record Size(Place place, long chars) {}

    static Map<String, Object> page(Tx tx, Place before, int limit) throws SQLException {
        // Batches are forgotten some days after they were acknowledged, their receipts are kept: hence both tables.
        List<Size> sizes = tx.list(
                "SELECT k.epoch, k.seq, coalesce(length(b.jws), 0) + coalesce(length(r.jws), 0)"
                        + " FROM (SELECT epoch, seq FROM batch UNION SELECT epoch, seq FROM receipt) k"
                        + " LEFT JOIN batch b ON b.epoch = k.epoch AND b.seq = k.seq"
                        + " LEFT JOIN receipt r ON r.epoch = k.epoch AND r.seq = k.seq"
                        + " WHERE k.epoch < ? OR (k.epoch = ? AND k.seq < ?)"
                        + " ORDER BY k.epoch DESC, k.seq DESC LIMIT ?",
                r -> new Size(new Place(r.getLong(1), r.getLong(2)), r.getLong(3)),
                before.epoch(),
                before.epoch(),
                before.seq(),
                limit + 1);
        List<Object> batches = new ArrayList<>();
        Optional<Place> last = Optional.empty();
        long chars = 0;
        for (Size s : sizes) {
            if (batches.size() == limit || (last.isPresent() && chars + s.chars() > ANSWER_CHARS)) {
                return Json.object(
                        "batches", batches, "next", last.map(Place::toString).orElse(null));
            }
            chars += s.chars();
            batches.add(batch(tx, s.place()));
            last = Optional.of(s.place());
        }
        return Json.object("batches", batches);
    }

    private static Map<String, Object> batch(Tx tx, Place p) throws SQLException {
        Optional<Map<String, Object>> kept = tx.first(
                "SELECT cut, acked, origin, jws FROM batch WHERE epoch = ? AND seq = ?",
                r -> Json.object(
                        "cut",
                        Instant.ofEpochMilli(r.getLong(1)),
                        "acknowledged",
                        instant(r.getObject(2)),
                        "origin",
                        r.getString(3),
                        "jws",
                        r.getString(4)),
                p.epoch(),
                p.seq());
        Map<String, Object> m = Json.object("epoch", p.epoch(), "seq", p.seq());
        kept.ifPresent(m::putAll);
        tx.first("SELECT jws FROM receipt WHERE epoch = ? AND seq = ?", r -> r.getString(1), p.epoch(), p.seq())
                .ifPresent(r -> m.put("receipt", r));
        return m;
    }

    private static @Nullable Instant instant(@Nullable Object millis) {
        return millis instanceof Number n ? Instant.ofEpochMilli(n.longValue()) : null;
    }
}
