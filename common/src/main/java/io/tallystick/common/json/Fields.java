package io.tallystick.common.json;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JSON object field by field and remembers every problem with its path, so that a caller hears of all of them
 * at once. A getter that finds a problem answers a harmless placeholder; {@link #done()} then throws, so placeholders
 * never escape a codec that calls it. Fields nobody asked for are problems too.
 *
 * <p>Optional getters treat {@code null} as absent. Nested readers share the list of problems; only the root's {@link
 * #done()} need be called.
 */
public final class Fields {
    /** Problems told of one document; a request made of nothing but problems must not get a larger answer. */
    public static final int PROBLEMS_MAX = 100;

    // Instant.parse also takes signed years of ten digits, lower case and hour 24.
    private static final Pattern RFC_3339 = Pattern.compile(
            "[0-9]{4}-[0-9]{2}-[0-9]{2}" + "T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?Z");
    private static final String WHOLE_SECONDS = "0000-00-00T00:00:00Z";

    /** Most objects have no more members. */
    private static final int SOME = 4;

    private final Map<String, Object> map;
    private final String path;
    private final List<Failure.Problem> problems;
    /** Names asked for that the object has, each once: as few as a codec knows, so a list is enough. */
    private final List<String> read = new ArrayList<>(SOME);
    /** Whether the members nobody asked for are told. */
    private boolean unknownTold;
    /** Names whose problem is already told, so that a required getter does not add "is missing" to it. */
    private Set<String> wrong = Set.of();

    private List<Fields> nested = List.of();

    private Fields(Map<String, Object> map, String path, List<Failure.Problem> problems) {
        this.map = map;
        this.path = path;
        this.problems = problems;
    }

    public static Fields of(Map<String, Object> map) {
        return new Fields(map, "", new ArrayList<>());
    }

    /** Those found so far, without fields that nobody asked for. */
    public List<Failure.Problem> problems() {
        return List.copyOf(problems);
    }

    /** The members as they are, read or not. */
    public Map<String, Object> members() {
        return map;
    }

    /** Parses strictly, then reads. */
    public static Fields parse(byte[] utf8) {
        return of(Json.parseObject(utf8));
    }

    /** Throws every problem found so far as one {@code invalid-request}; otherwise does nothing. */
    public void done() {
        done(ErrorCode.INVALID_REQUEST);
    }

    /** As {@link #done()}, under another code. */
    public void done(ErrorCode code) {
        unknown();
        if (!problems.isEmpty()) {
            throw Failure.of(code, told(problems));
        }
    }

    /** The problems that an answer has room for, and how many there are more. */
    public static List<Failure.Problem> told(List<Failure.Problem> problems) {
        if (problems.size() <= PROBLEMS_MAX) {
            return problems;
        }
        List<Failure.Problem> told = new ArrayList<>(problems.subList(0, PROBLEMS_MAX));
        told.add(new Failure.Problem("", "and " + (problems.size() - PROBLEMS_MAX) + " problems more"));
        return told;
    }

    /** Where this object stands in the document, empty for the root. */
    public String path() {
        return path;
    }

    /** Adds a problem of the caller's own at a field of this object. */
    public void problem(String name, String detail) {
        problems.add(new Failure.Problem(at(name), detail));
    }

    public boolean has(String name) {
        return map.get(name) != null;
    }

    /** A required string of 1 to {@code charsMax} characters. */
    public String string(String name, int charsMax) {
        return optionalString(name, charsMax).orElseGet(() -> missing(name, ""));
    }

    /** An absent string, or one of 1 to {@code charsMax} characters. */
    public Optional<String> optionalString(String name, int charsMax) {
        Object value = take(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof String s)) {
            return wrong(name, "must be a string");
        }
        if (s.isEmpty() || s.length() > charsMax) {
            return wrong(name, "must have 1 to " + charsMax + " characters, has " + s.length());
        }
        return Optional.of(s);
    }

    /** A required whole number from {@code min} to {@code max}. */
    public long number(String name, long min, long max) {
        return optionalNumber(name, min, max).orElseGet(() -> missing(name, min));
    }

    public Optional<Long> optionalNumber(String name, long min, long max) {
        Object value = take(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof Long n)) {
            return wrong(name, "must be a whole number");
        }
        if (n < min || n > max) {
            return wrong(name, "must be from " + min + " to " + max + ", is " + n);
        }
        return Optional.of(n);
    }

    public Optional<Boolean> optionalBool(String name) {
        Object value = take(name);
        if (value == null) {
            return Optional.empty();
        }
        return value instanceof Boolean b ? Optional.of(b) : wrong(name, "must be true or false");
    }

    /** A required quantity: a decimal string, see {@link Quantity#parse(String)}. */
    public Quantity quantity(String name) {
        return optional(name, Quantity::parse, "must be a decimal string")
                .orElseGet(() -> missing(name, Quantity.ZERO));
    }

    public Optional<Quantity> optionalQuantity(String name) {
        return optional(name, Quantity::parse, "must be a decimal string");
    }

    /** A required instant: RFC 3339 in UTC, ending in {@code Z}. */
    public Instant instant(String name) {
        return optionalInstant(name).orElseGet(() -> missing(name, Instant.EPOCH));
    }

    public Optional<Instant> optionalInstant(String name) {
        return optional(name, Fields::parseInstant, "must be a UTC time such as 2026-11-21T20:00:00Z");
    }

    /** An absent duration, or an ISO 8601 one that is not negative, such as {@code PT15M}. */
    public Optional<Duration> optionalDuration(String name) {
        return optional(name, Fields::parseDuration, "must be a duration such as PT15M");
    }

    public Duration duration(String name) {
        return optionalDuration(name).orElseGet(() -> missing(name, Duration.ZERO));
    }

    /** A required string that a parser takes; {@link IllegalArgumentException} or {@link Failure} become the problem. */
    public <T> T parsed(String name, Function<String, T> parser, T placeholder) {
        return optional(name, parser, "must be a string").orElseGet(() -> missing(name, placeholder));
    }

    /** As {@link #parsed}, for a field that may be absent. */
    public <T> Optional<T> optionalParsed(String name, Function<String, T> parser) {
        return optional(name, parser, "must be a string");
    }

    /** A required object; an empty reader if it is missing or no object. */
    public Fields object(String name) {
        return optionalObject(name).orElseGet(() -> {
            if (!has(name)) {
                missing(name, "");
            }
            return new Fields(Map.of(), at(name), new ArrayList<>());
        });
    }

    public Optional<Fields> optionalObject(String name) {
        Object value = take(name);
        if (value == null) {
            return Optional.empty();
        }
        return asFields(value, at(name));
    }

    /** A required array of objects, at most {@code countMax} of them. */
    public List<Fields> objects(String name, int countMax) {
        if (take(name) == null) {
            return missing(name, List.of());
        }
        return optionalObjects(name, countMax);
    }

    /** As {@link #objects}, an absent array being empty. */
    public List<Fields> optionalObjects(String name, int countMax) {
        List<Fields> result = new ArrayList<>();
        List<?> list = list(name, countMax);
        for (int i = 0; i < list.size(); i++) {
            asFields(list.get(i), at(name) + "[" + i + "]").ifPresent(result::add);
        }
        return result;
    }

    /** An array of strings of 1 to {@code charsMax} characters, an absent one being empty. */
    public List<String> optionalStrings(String name, int countMax, int charsMax) {
        List<String> result = new ArrayList<>();
        List<?> list = list(name, countMax);
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i) instanceof String s && !s.isEmpty() && s.length() <= charsMax) {
                result.add(s);
            } else {
                problem(name + "[" + i + "]", "must be a string of 1 to " + charsMax + " characters");
            }
        }
        return result;
    }

    /** An object of string members, an absent one being empty; keeps the order of the document. */
    public Map<String, String> optionalStringMap(String name, int countMax, int keyCharsMax, int valueCharsMax) {
        Object value = take(name);
        Map<String, String> result = new LinkedHashMap<>();
        if (value == null) {
            return result;
        }
        if (!(value instanceof Map<?, ?> members)) {
            problem(name, "must be an object of strings");
            return result;
        }
        if (members.size() > countMax) {
            problem(name, "must have at most " + countMax + " members, has " + members.size());
            return result;
        }
        for (Map.Entry<?, ?> e : members.entrySet()) {
            String key = String.valueOf(e.getKey());
            if (key.isEmpty() || key.length() > keyCharsMax) {
                problem(name, "names must have 1 to " + keyCharsMax + " characters");
            } else if (e.getValue() instanceof String s && s.length() <= valueCharsMax) {
                result.put(key, s);
            } else {
                problem(name + "." + key, "must be a string of at most " + valueCharsMax + " characters");
            }
        }
        return result;
    }

    /** RFC 3339 in UTC: four digits of year; offsets other than {@code Z} are refused because hours are UTC. */
    public static Instant parseInstant(String text) {
        if (!text.endsWith("Z")) {
            throw new IllegalArgumentException("must be a UTC time ending in Z");
        }
        Optional<Instant> common = ofWholeSeconds(text);
        if (common.isPresent()) {
            return common.get();
        }
        try {
            if (!RFC_3339.matcher(text).matches()) {
                throw new IllegalArgumentException("must be a UTC time such as 2026-11-21T20:00:00Z");
            }
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("must be a UTC time such as 2026-11-21T20:00:00Z", e);
        }
    }

    /** The form nearly all times have, without the cost of the pattern and the formatter; empty for any other. */
    private static Optional<Instant> ofWholeSeconds(String text) {
        if (text.length() != WHOLE_SECONDS.length()) {
            return Optional.empty();
        }
        for (int i = 0; i < text.length(); i++) {
            char form = WHOLE_SECONDS.charAt(i);
            char c = text.charAt(i);
            if (form == '0' ? c < '0' || c > '9' : c != form) {
                return Optional.empty();
            }
        }
        int month = number(text, 5, 7);
        int day = number(text, 8, 10);
        int hour = number(text, 11, 13);
        int minute = number(text, 14, 16);
        int second = number(text, 17, 19);
        // The end of a month, leap seconds and nonsense are for the JDK.
        if (month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59) {
            return Optional.empty();
        }
        return Optional.of(LocalDateTime.of(number(text, 0, 4), month, day, hour, minute, second)
                .toInstant(ZoneOffset.UTC));
    }

    private static int number(String text, int from, int to) {
        int n = 0;
        for (int i = from; i < to; i++) {
            n = 10 * n + text.charAt(i) - '0';
        }
        return n;
    }

    /** ISO 8601, not negative. */
    public static Duration parseDuration(String text) {
        try {
            Duration d = Duration.parse(text);
            if (d.isNegative()) {
                throw new IllegalArgumentException("must not be negative");
            }
            return d;
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("must be a duration such as PT15M", e);
        }
    }

    private List<?> list(String name, int countMax) {
        Object value = take(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            problem(name, "must be an array");
            return List.of();
        }
        if (list.size() > countMax) {
            problem(name, "must have at most " + countMax + " elements, has " + list.size());
            return List.of();
        }
        return list;
    }

    @SuppressWarnings("unchecked")
    private Optional<Fields> asFields(@Nullable Object value, String at) {
        if (!(value instanceof Map)) {
            problems.add(new Failure.Problem(at, "must be an object"));
            return Optional.empty();
        }
        Fields fields = new Fields((Map<String, Object>) value, at, problems);
        if (nested.isEmpty()) {
            nested = new ArrayList<>();
        }
        nested.add(fields);
        return Optional.of(fields);
    }

    private <T> Optional<T> optional(String name, Function<String, T> parser, String notAString) {
        Object value = take(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof String s)) {
            return wrong(name, notAString);
        }
        try {
            return Optional.of(parser.apply(s));
        } catch (Failure e) {
            return wrong(name, e.detail());
        } catch (IllegalArgumentException e) {
            return wrong(name, String.valueOf(e.getMessage()));
        }
    }

    private @Nullable Object take(String name) {
        Object value = map.get(name);
        if ((value != null || map.containsKey(name)) && !read.contains(name)) {
            read.add(name);
        }
        return value;
    }

    private <T> Optional<T> wrong(String name, String detail) {
        problem(name, detail);
        if (wrong.isEmpty()) {
            wrong = new HashSet<>();
        }
        wrong.add(name);
        return Optional.empty();
    }

    private <T> T missing(String name, T placeholder) {
        if (!wrong.contains(name)) {
            problem(name, "is missing");
        }
        return placeholder;
    }

    private void unknown() {
        if (!unknownTold && read.size() < map.size()) {
            for (String name : map.keySet()) {
                if (!read.contains(name)) {
                    problem(name, "is not a known field");
                }
            }
        }
        unknownTold = true;
        nested.forEach(Fields::unknown);
        nested = List.of();
    }

    private String at(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }
}
