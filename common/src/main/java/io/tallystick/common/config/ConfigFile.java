package io.tallystick.common.config;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A flat configuration file: one {@code key = value} per line, UTF-8, lines starting with {@code #} and blank lines
 * skipped. There is no quoting and no continuation: a value is the trimmed rest of the line, {@code #} included. A key
 * given twice and a line without {@code =} are problems; they are told together with the bad values by {@link
 * ConfigReader#done()}.
 */
public final class ConfigFile {
    /** Far above any real file; a wrong path (a log, a disk image) must not be read into memory. */
    public static final long BYTES_MAX = 1024 * 1024;

    private static final Pattern KEY = Pattern.compile("[a-z0-9]+([.-][a-z0-9]+)*");

    /** A value, the words naming where it stands, and the folder its relative paths start from. */
    record Entry(String value, String where, Path folder) {}

    private final Map<String, Entry> entries;
    private final List<Failure.Problem> problems;

    private ConfigFile(Map<String, Entry> entries, List<Failure.Problem> problems) {
        this.entries = entries;
        this.problems = problems;
    }

    /** Reads a file. Its relative paths start from the folder the file is in. */
    public static ConfigFile read(Path file) {
        try {
            if (Files.size(file) > BYTES_MAX) {
                throw unreadable(file, "is larger than " + BYTES_MAX + " bytes");
            }
            Path folder = file.toAbsolutePath().normalize().getParent();
            return parse(Files.readString(file), file.toString(), folder == null ? Path.of("/") : folder);
        } catch (CharacterCodingException e) {
            throw unreadable(file, "is not valid UTF-8");
        } catch (IOException e) {
            throw unreadable(file, "cannot be read (" + e.getClass().getSimpleName() + ")");
        }
    }

    /** Takes the text of a file; {@code name} is used in messages, relative paths start from {@code folder}. */
    public static ConfigFile parse(String text, String name, Path folder) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        List<Failure.Problem> problems = new ArrayList<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String trimmed = line.strip();
            if (!trimmed.isEmpty() && !trimmed.startsWith("#")) {
                add(entries, problems, trimmed, name + " line " + number, folder, false);
            }
        }
        return new ConfigFile(entries, problems);
    }

    /** No file: every key comes from {@link #with} or its default. */
    public static ConfigFile empty() {
        return new ConfigFile(new LinkedHashMap<>(), new ArrayList<>());
    }

    /**
     * The same with {@code key=value} overrides, as {@code --set} gives them. A later one wins; their relative paths start
     * from {@code folder}, usually the working folder.
     */
    public ConfigFile with(List<String> overrides, Path folder) {
        Map<String, Entry> more = new LinkedHashMap<>(entries);
        List<Failure.Problem> found = new ArrayList<>(problems);
        for (String override : overrides) {
            add(more, found, override.strip(), "--set", folder, true);
        }
        return new ConfigFile(more, found);
    }

    /** A reader that has read nothing yet. */
    public ConfigReader reader() {
        return new ConfigReader(new LinkedHashMap<>(entries), new ArrayList<>(problems));
    }

    private static void add(
            Map<String, Entry> entries,
            List<Failure.Problem> problems,
            String line,
            String where,
            Path folder,
            boolean replace) {
        int equals = line.indexOf('=');
        if (equals < 0) {
            // The line itself is not repeated: it may be a mistyped secret.
            problems.add(new Failure.Problem(where, "must be key = value"));
            return;
        }
        String key = line.substring(0, equals).strip();
        if (!KEY.matcher(key).matches()) {
            problems.add(new Failure.Problem(
                    where, "the key must be lower-case letters and digits in parts joined by . or -"));
            return;
        }
        Entry before = entries.get(key);
        if (before != null && !replace) {
            problems.add(new Failure.Problem(key, "is set twice (" + before.where() + ", " + where + ")"));
            return;
        }
        entries.put(key, new Entry(line.substring(equals + 1).strip(), where, folder));
    }

    private static Failure unreadable(Path file, String detail) {
        return Failure.of(ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem(file.toString(), detail)));
    }
}
