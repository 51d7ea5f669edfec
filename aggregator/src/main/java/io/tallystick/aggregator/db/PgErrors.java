package io.tallystick.aggregator.db;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.VertxException;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.ClosedConnectionException;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

/** What a SQLSTATE means to a caller. Every constraint has a name, so stores can say which rule was broken. */
public final class PgErrors {
    private static final String UNIQUE = "23505";
    private static final String FOREIGN_KEY = "23503";
    private static final String EXCLUSION = "23P01";
    /** A NUL character, which JSON can carry and PostgreSQL's text cannot. */
    private static final String BAD_CHARACTER = "22021";

    private static final Set<String> RETRYABLE = Set.of("40001", "40P01");
    /** Connection exceptions, no resources, operator intervention (a cancelled or timed-out statement included). */
    private static final Set<String> UNAVAILABLE_CLASSES = Set.of("08", "53", "57");

    private static final Set<String> UNAVAILABLE_STATES = Set.of("25006", "55P03", "40001", "40P01");

    /** The pool's exception for this lives in the HTTP package of Vert.x, which has no business here. */
    private static final String POOL_QUEUE_FULL = "Connection pool reached max wait queue size";

    private PgErrors() {}

    /**
     * The failure a caller should see, or the same throwable when it is no answer for a caller (a defect, or a database
     * that cannot be reached, see {@link #code}). Stores translate the constraints they expect themselves with {@link
     * #onConstraint}; what arrives here is the sentence for the rest.
     */
    public static Throwable translate(Throwable e) {
        if (!(e instanceof PgException pg)) {
            return e;
        }
        String state = String.valueOf(pg.getSqlState());
        return switch (state) {
            case UNIQUE, EXCLUSION ->
                Failure.of(
                        ErrorCode.ALREADY_EXISTS,
                        "something with this key is already there (" + pg.getConstraint() + ")");
            case FOREIGN_KEY ->
                Failure.of(ErrorCode.CONFLICT, "something this refers to is not there (" + pg.getConstraint() + ")");
            case BAD_CHARACTER -> Failure.of(ErrorCode.INVALID_REQUEST, "text must not contain the character U+0000");
            default -> e;
        };
    }

    /** The code of a throwable that is not a {@link Failure}: the database being away is told apart from a defect. */
    public static ErrorCode code(Throwable e) {
        if (e instanceof PgException pg && pg.getSqlState() != null) {
            String state = pg.getSqlState();
            boolean away = UNAVAILABLE_STATES.contains(state)
                    || (state.length() == 5 && UNAVAILABLE_CLASSES.contains(state.substring(0, 2)));
            return away ? ErrorCode.UNAVAILABLE : ErrorCode.INTERNAL;
        }
        if (String.valueOf(e.getMessage()).startsWith(POOL_QUEUE_FULL)) {
            return ErrorCode.OVERLOADED;
        }
        boolean connection = e instanceof ClosedConnectionException
                || e instanceof IOException
                || e instanceof TimeoutException
                || (e instanceof VertxException && isPoolMessage(String.valueOf(e.getMessage())));
        return connection ? ErrorCode.UNAVAILABLE : ErrorCode.INTERNAL;
    }

    /** The client's pool has no type of its own for these. */
    private static boolean isPoolMessage(String message) {
        return message.startsWith("Timeout") || message.startsWith("Pool closed") || message.contains("Connection");
    }

    static boolean isRetryable(Throwable e) {
        return e instanceof PgException pg && RETRYABLE.contains(String.valueOf(pg.getSqlState()));
    }

    /** Whether this is a violation of the constraint (or unique index) of that name. */
    public static boolean violates(Throwable e, String constraint) {
        return e instanceof PgException pg && constraint.equals(pg.getConstraint());
    }

    /** For {@code recover}: answers a violation of this constraint with that failure, and leaves all else alone. */
    public static <T> Function<Throwable, Future<T>> onConstraint(String constraint, Supplier<Failure> failure) {
        return e -> Future.failedFuture(violates(e, constraint) ? failure.get() : e);
    }
}
