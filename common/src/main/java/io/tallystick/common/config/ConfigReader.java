package io.tallystick.common.config;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Reads typed values and remembers every problem with its key, so that one start tells all that is wrong. A getter that
 * finds a problem answers a harmless placeholder; {@link #done()} then throws. Keys nobody asked for are problems, so
 * all getters must run on every path, also for features that are switched off. An empty value counts as absent.
 */
public final class ConfigReader {
    /** Secrets are keys and passwords, not documents. */
    public static final int SECRET_BYTES_MAX = 4096;

    private static final Pattern PASSWORD_IN_URL = Pattern.compile("(://[^/?#:@\\s]*):[^/?#@\\s]*@");
    private static final Pattern SECRET_PARAMETER =
            Pattern.compile("([?&](?:password|sslpassword|token|secret)=)[^&#]*", Pattern.CASE_INSENSITIVE);

    private final Map<String, ConfigFile.Entry> entries;
    private final List<Failure.Problem> problems;
    private final Map<String, String> effective = new LinkedHashMap<>();

    ConfigReader(Map<String, ConfigFile.Entry> entries, List<Failure.Problem> problems) {
        this.entries = entries;
        this.problems = problems;
    }

    /** Throws all problems found, unknown keys among them, as one {@code invalid-request} failure. */
    public void done() {
        Set<String> unknown = new TreeSet<>(entries.keySet());
        unknown.removeAll(effective.keySet());
        unknown.forEach(key -> problem(key, "is not a known key"));
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
    }

    /** Adds a problem of the caller's own, for rules over more than one key. */
    public void problem(String key, String detail) {
        problems.add(new Failure.Problem(key, detail));
    }

    /** Every key read so far with the value in force, defaults included, passwords within values replaced by stars. */
    public List<String> effective() {
        return effective.entrySet().stream()
                .map(e -> e.getKey() + " = " + redact(e.getValue()))
                .toList();
    }

    /** The keys read so far: what this program knows. */
    public Set<String> keys() {
        return Set.copyOf(effective.keySet());
    }

    public boolean has(String key) {
        ConfigFile.Entry entry = entries.get(key);
        return entry != null && !entry.value().isEmpty();
    }

    public Optional<String> optionalString(String key) {
        return get(key, "", v -> v);
    }

    public String string(String key, String otherwise) {
        return get(key, otherwise, v -> v).orElse(otherwise);
    }

    /** A string that must be there. */
    public String requiredString(String key) {
        return optionalString(key).orElseGet(() -> missing(key, ""));
    }

    /** A whole number from {@code min} to {@code max}. */
    public int integer(String key, int otherwise, int min, int max) {
        return get(key, Integer.toString(otherwise), v -> {
                    String rule = "must be a whole number from " + min + " to " + max;
                    try {
                        int n = Integer.parseInt(v);
                        if (n < min || n > max) {
                            throw new IllegalArgumentException(rule + ", is " + n);
                        }
                        return n;
                    } catch (NumberFormatException e) {
                        throw new IllegalArgumentException(rule, e);
                    }
                })
                .orElse(otherwise);
    }

    /** {@code true} or {@code false} and nothing else: a misspelt switch must not be silently off. */
    public boolean bool(String key, boolean otherwise) {
        return get(key, Boolean.toString(otherwise), v -> switch (v) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new IllegalArgumentException("must be true or false");
                })
                .orElse(otherwise);
    }

    /** An ISO 8601 duration from {@code min} to {@code max}. */
    public Duration duration(String key, Duration otherwise, Duration min, Duration max) {
        return get(key, otherwise.toString(), v -> {
                    Duration d = Fields.parseDuration(v);
                    if (d.compareTo(min) < 0 || d.compareTo(max) > 0) {
                        throw new IllegalArgumentException("must be from " + min + " to " + max + ", is " + d);
                    }
                    return d;
                })
                .orElse(otherwise);
    }

    /** An absolute URI with a host. */
    public Optional<URI> optionalUri(String key) {
        return get(key, "", ConfigReader::absoluteUri);
    }

    public URI uri(String key, URI otherwise) {
        return get(key, otherwise.toString(), ConfigReader::absoluteUri).orElse(otherwise);
    }

    /** A URI that must be there. */
    public URI requiredUri(String key) {
        return optionalUri(key).orElseGet(() -> missing(key, URI.create("invalid://missing")));
    }

    /** A path; a relative one starts from the folder of the file that names it (the working folder for {@code --set}). */
    public Optional<Path> optionalPath(String key) {
        return get(key, "", v -> resolve(key, v));
    }

    /** A path that must be there. */
    public Path requiredPath(String key) {
        return optionalPath(key).orElseGet(() -> missing(key, Path.of("missing")));
    }

    /** As {@link #optionalPath}; a relative default starts from the working folder. */
    public Path path(String key, Path otherwise) {
        return get(key, otherwise.toString(), v -> resolve(key, v)).orElse(otherwise);
    }

    /**
     * The text of the file that {@code key.file} names, trimmed. Never part of {@link #effective()}:
     * that shows the file's name.
     */
    public Optional<String> optionalSecret(String key) {
        return get(key + ".file", "", v -> readSecret(resolve(key + ".file", v)));
    }

    /** A secret that must be there. */
    public String requiredSecret(String key) {
        return optionalSecret(key).orElseGet(() -> missing(key + ".file", ""));
    }

    /** A value that a parser takes; its {@link IllegalArgumentException} becomes the problem. */
    public <T> T parsed(String key, String otherwise, Function<String, T> parser) {
        return get(key, otherwise, parser).orElseGet(() -> parser.apply(otherwise));
    }

    private <T> Optional<T> get(String key, String otherwise, Function<String, T> parser) {
        ConfigFile.Entry entry = entries.get(key);
        if (entry == null || entry.value().isEmpty()) {
            effective.put(key, otherwise);
            return Optional.empty();
        }
        effective.put(key, entry.value());
        try {
            return Optional.of(parser.apply(entry.value()));
        } catch (IllegalArgumentException e) {
            problem(key, String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    private <T> T missing(String key, T placeholder) {
        if (!has(key)) {
            problem(key, "is missing");
        }
        return placeholder;
    }

    private Path resolve(String key, String value) {
        ConfigFile.Entry entry = entries.get(key);
        Path path = Path.of(value);
        return entry == null ? path : entry.folder().resolve(path).normalize();
    }

    private static URI absoluteUri(String value) {
        try {
            URI uri = new URI(value);
            if (uri.getScheme() == null || uri.getHost() == null) {
                throw new IllegalArgumentException("must be an absolute URL such as https://host:8443");
            }
            return uri;
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("must be a URL: " + e.getReason(), e);
        }
    }

    private static String readSecret(Path file) {
        try {
            if (Files.size(file) > SECRET_BYTES_MAX) {
                throw new IllegalArgumentException("names a file larger than " + SECRET_BYTES_MAX + " bytes");
            }
            String text = Files.readString(file).strip();
            if (text.isEmpty()) {
                throw new IllegalArgumentException("names an empty file");
            }
            return text;
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "names a file that cannot be read (" + e.getClass().getSimpleName() + ")", e);
        }
    }

    /** The value with passwords in URLs replaced by stars. */
    public static String redact(String value) {
        String userinfo = PASSWORD_IN_URL.matcher(value).replaceAll("$1:***@");
        return SECRET_PARAMETER.matcher(userinfo).replaceAll("$1***");
    }
}
