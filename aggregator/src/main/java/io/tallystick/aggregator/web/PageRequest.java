package io.tallystick.aggregator.web;

import io.tallystick.common.jose.Base64Url;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What part of a list is asked for: at most {@code limit} items whose key sorts after {@code after}. Clients get the key
 * in an opaque form and are to hand it back unread.
 */
public record PageRequest(int limit, @Nullable String after) {
    public static final String LIMIT = "limit";
    public static final String AFTER = "after";
    public static final int LIMIT_DEFAULT = 100;
    public static final int LIMIT_MAX = 1000;
    private static final int AFTER_CHARS_MAX = 400;
    private static final String AFTER_RULE = "must be the value a page gave as next";

    /** Reads {@code limit} and {@code after} from a route declared {@link Route.Builder#paged()}. */
    public static PageRequest of(RoutingContext ctx) {
        int limit = Requests.query(ctx, LIMIT, PageRequest::parseLimit).orElse(LIMIT_DEFAULT);
        return new PageRequest(
                limit, Requests.query(ctx, AFTER, PageRequest::decode).orElse(null));
    }

    /**
     * The key, read back; empty for the first page.
     *
     * @param parser throws {@link IllegalArgumentException} for what no page gave, which is {@code invalid-request} then
     */
    public <T> Optional<T> after(Function<String, T> parser) {
        try {
            return Optional.ofNullable(after).map(parser);
        } catch (IllegalArgumentException e) {
            throw Requests.invalid(AFTER, AFTER_RULE);
        }
    }

    /** The key of what is listed by a number; 0 for the first page. */
    public long afterNumber() {
        return after(PageRequest::number).orElse(0L);
    }

    private static long number(String key) {
        if (!key.matches("[0-9]{1,18}")) {
            throw new IllegalArgumentException("is no number");
        }
        return Long.parseLong(key);
    }

    private static int parseLimit(String text) {
        String rule = "must be a whole number from 1 to " + LIMIT_MAX;
        if (!text.matches("[0-9]{1,4}")) {
            throw new IllegalArgumentException(rule);
        }
        int limit = Integer.parseInt(text);
        if (limit < 1 || limit > LIMIT_MAX) {
            throw new IllegalArgumentException(rule);
        }
        return limit;
    }

    static String encode(String key) {
        return Base64Url.encode(key.getBytes(StandardCharsets.UTF_8));
    }

    private static String decode(String opaque) {
        if (opaque.length() > AFTER_CHARS_MAX) {
            throw new IllegalArgumentException(AFTER_RULE);
        }
        try {
            byte[] bytes = Base64Url.decode(opaque);
            String key = new String(bytes, StandardCharsets.UTF_8);
            // Our keys are printable ASCII; anything else was made up, and a NUL would be a database error.
            if (!key.matches("[ -~]+")) {
                throw new IllegalArgumentException(AFTER_RULE);
            }
            return key;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(AFTER_RULE, e);
        }
    }
}
