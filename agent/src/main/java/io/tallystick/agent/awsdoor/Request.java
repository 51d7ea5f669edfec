package io.tallystick.agent.awsdoor;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the members of a request of AWS JSON 1.1. A member of the wrong type is a {@code SerializationException} at
 * once; values outside their limits are gathered and become one {@code ValidationException}. Unknown members are
 * ignored and null is absent, as AWS does it: its clients may be newer than this door.
 */
final class Request {
    private final Map<?, ?> members;
    private final String at;
    private final List<String> problems;

    private Request(Map<?, ?> members, String at, List<String> problems) {
        this.members = members;
        this.at = at;
        this.problems = problems;
    }

    static Request parse(byte[] body) {
        try {
            return new Request(Json.parseObject(body), "", new ArrayList<>());
        } catch (Failure e) {
            throw serialization(e.detail());
        }
    }

    /** Throws what was gathered. */
    void done() {
        if (!problems.isEmpty()) {
            throw AwsError.client(
                    "ValidationException",
                    problems.size() + " validation error" + (problems.size() == 1 ? "" : "s") + " detected: "
                            + String.join("; ", problems));
        }
    }

    void problem(String name, String rule) {
        problems.add("Value at '" + at + name + "' " + rule);
    }

    private @Nullable Object get(String name) {
        return members.get(name);
    }

    boolean has(String name) {
        return get(name) != null;
    }

    Optional<String> optionalText(String name, int charsMin, int charsMax) {
        Object value = get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof String s)) {
            throw serialization(at + name + " must be a string");
        }
        int chars = s.codePointCount(0, s.length());
        if (chars < charsMin || chars > charsMax) {
            problem(name, "must have a length from " + charsMin + " to " + charsMax);
        }
        return Optional.of(s);
    }

    String text(String name, int charsMin, int charsMax) {
        required(name);
        return optionalText(name, charsMin, charsMax).orElse("");
    }

    String text(String name, int charsMin, int charsMax, Pattern form) {
        String s = text(name, charsMin, charsMax);
        if (!form.matcher(s).matches()) {
            problem(name, "must satisfy the pattern " + form.pattern());
        }
        return s;
    }

    private void required(String name) {
        if (!has(name)) {
            problem(name, "must not be null");
        }
    }

    /** An integer from {@code min} to {@code max}; fractions are no integers. */
    Optional<Long> optionalInteger(String name, long min, long max) {
        Object value = get(name);
        if (value == null) {
            return Optional.empty();
        }
        BigDecimal number = number(name, value);
        if (number.signum() != 0 && number.stripTrailingZeros().scale() > 0) {
            throw serialization(at + name + " must be an integer");
        }
        if (number.compareTo(BigDecimal.valueOf(min)) < 0 || number.compareTo(BigDecimal.valueOf(max)) > 0) {
            problem(name, "must be from " + min + " to " + max);
            return Optional.of(min);
        }
        return Optional.of(number.longValue());
    }

    long integer(String name, long min, long max) {
        required(name);
        return optionalInteger(name, min, max).orElse(min);
    }

    /** Any number. */
    BigDecimal decimal(String name) {
        required(name);
        Object value = get(name);
        return value == null ? BigDecimal.ZERO : number(name, value);
    }

    private BigDecimal number(String name, Object value) {
        if (value instanceof Long l) {
            return BigDecimal.valueOf(l);
        }
        if (value instanceof BigDecimal d) {
            return d;
        }
        throw serialization(at + name + " must be a number");
    }

    boolean flag(String name) {
        Object value = get(name);
        if (value == null) {
            return false;
        }
        if (value instanceof Boolean b) {
            return b;
        }
        throw serialization(at + name + " must be true or false");
    }

    /** The objects of a list, however many; empty where the member is absent. */
    Optional<List<Request>> optionalList(String name) {
        Object value = get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof List<?> list)) {
            throw serialization(at + name + " must be a list");
        }
        List<Request> items = new ArrayList<>(list.size());
        for (Object item : list) {
            if (!(item instanceof Map<?, ?> map)) {
                throw serialization(at + name + " must hold objects");
            }
            items.add(new Request(map, at + name + "." + (items.size() + 1) + ".member.", problems));
        }
        return Optional.of(items);
    }

    static AwsError serialization(String message) {
        return AwsError.client("SerializationException", message);
    }
}
