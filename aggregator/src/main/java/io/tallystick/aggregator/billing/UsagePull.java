package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Database;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads booked usage lines, again and again, with the same bytes. By cursor ({@code after}) a job follows for ever and
 * neither skips nor repeats a line; by booking time ({@code from}, {@code to}) it reads a period that is final. Short
 * statements over a key: a slow reader holds nothing.
 */
public final class UsagePull {
    /** Lines on one page. */
    public static final int PAGE_LINES_MAX = 10_000;

    public static final int PAGE_LINES_DEFAULT = 1_000;

    /** A place between lines. The start is before every line. */
    public record Cursor(long run, long line) {
        public static final Cursor START = new Cursor(0, 0);

        public static Cursor parse(String text) {
            if (!text.matches("[0-9]{1,18}\\.[0-9]{1,18}")) {
                throw new IllegalArgumentException("must be a run and a line such as 12.345");
            }
            int dot = text.indexOf('.');
            return new Cursor(Long.parseLong(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)));
        }

        static Cursor of(UsageLine line) {
            return new Cursor(line.run(), line.line());
        }

        @Override
        public String toString() {
            return run + "." + line;
        }
    }

    /**
     * What to read.
     *
     * @param from booking times at or after it; absent for no bound
     * @param to booking times before it; must not lie beyond {@code closed_through}
     */
    public record Query(
            Cursor after,
            Optional<Instant> from,
            Optional<Instant> to,
            Optional<String> productId,
            Optional<String> accountId,
            int limit) {}

    /** Lines in order, and where to go on; {@code next} equals {@code after} on an empty page. */
    public record Page(List<UsageLine> lines, Cursor next, boolean more) {}

    /**
     * A finished run. The hashes cover the NDJSON bytes of all its lines and of all its charges; the latter are there
     * once the run is rated.
     */
    public record Run(
            long run,
            Instant bookedAt,
            Instant finishedAt,
            long lines,
            Hash sha256,
            Optional<Long> charges,
            Optional<Hash> chargesSha256) {
        public Map<String, Object> toJson() {
            return Json.object(
                    "run",
                    run,
                    "bookedAt",
                    bookedAt,
                    "finishedAt",
                    finishedAt,
                    "lines",
                    lines,
                    "sha256",
                    sha256.toString(),
                    "charges",
                    charges.orElse(null),
                    "chargesSha256",
                    chargesSha256.map(Hash::toString).orElse(null));
        }
    }

    private final Database database;
    private final PullStore store = new PullStore();

    public UsagePull(Database database) {
        this.database = database;
    }

    /** One page; {@code not-closed} with {@code closedThrough} where {@code to} reaches into the open. */
    public Future<Page> page(Query query) {
        return store.closedThrough(database.reads())
                .map(closed -> checkClosed(query, closed))
                .compose(done -> store.page(database.reads(), query))
                .map(lines -> {
                    boolean more = lines.size() > query.limit();
                    List<UsageLine> page = more ? lines.subList(0, query.limit()) : lines;
                    Cursor next = page.isEmpty() ? query.after() : Cursor.of(page.get(page.size() - 1));
                    return new Page(List.copyOf(page), next, more);
                });
    }

    /** Up to which booking time everything is final; empty before the first posting tick. */
    public Future<Optional<Instant>> closedThrough() {
        return store.closedThrough(database.reads());
    }

    /** Finished runs after this one, in order. */
    public Future<List<Run>> runs(long after, int limit) {
        return store.runs(database.reads(), after, limit);
    }

    static Query checkClosed(Query query, Optional<Instant> closed) {
        if (query.to().isPresent()
                && closed.map(c -> query.to().get().isAfter(c)).orElse(true)) {
            Failure failure = Failure.of(
                    ErrorCode.NOT_CLOSED,
                    "to: " + query.to().get() + " lies beyond what is closed"
                            + closed.map(c -> ", " + c).orElse("; nothing is yet"));
            throw closed.map(c -> failure.with("closedThrough", c.toString())).orElse(failure);
        }
        return query;
    }
}
