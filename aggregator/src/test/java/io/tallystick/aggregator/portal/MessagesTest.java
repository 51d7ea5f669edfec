package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.lifecycle.Change;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.Step;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A text that is missing in a language would be found by its readers. */
class MessagesTest {
    private static final Pattern USED = Pattern.compile("\\bt\\(\\s*\"([a-z0-9.-]+)\"|\"((?:sign-in)\\.[a-z]+)\"");
    private static final Pattern PARAMETER = Pattern.compile("\\{\\d}");
    private static final Path MODULE = Path.of(System.getProperty("tallystick.root"), "aggregator", "src", "main");

    @Test
    void everyKeyIsThereInEveryLanguage() {
        TreeSet<String> english = new TreeSet<>(Messages.of(Language.ENGLISH).keys());
        for (Language language : Language.values()) {
            assertEquals(english, new TreeSet<>(Messages.of(language).keys()), language.tag());
        }
    }

    @Test
    void aTextTakesTheSameParametersInEveryLanguage() {
        Messages english = Messages.of(Language.ENGLISH);
        Messages french = Messages.of(Language.FRENCH);
        for (String key : english.keys()) {
            assertEquals(parameters(english.text(key)), parameters(french.text(key)), key);
        }
    }

    private static TreeSet<String> parameters(String text) {
        TreeSet<String> found = new TreeSet<>();
        Matcher matcher = PARAMETER.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        return found;
    }

    @Test
    void everyKeyThatATemplateNamesIsThere() throws IOException {
        TreeSet<String> missing = new TreeSet<>();
        int found = 0;
        for (Path file : files(".jte")) {
            Matcher used = USED.matcher(Files.readString(file));
            while (used.find()) {
                found++;
                String key = used.group(1) == null ? used.group(2) : used.group(1);
                // A prefix completed at run time ends with a dot.
                if (!key.endsWith(".")
                        && Messages.of(Language.ENGLISH).find(key).isEmpty()) {
                    missing.add(file.getFileName() + ": " + key);
                }
            }
        }
        assertEquals(new TreeSet<>(), missing);
        assertTrue(found > 30, "a pattern that finds nothing proves nothing");
    }

    @Test
    void whatIsNamedByDataHasATextForEachValue() {
        Messages english = Messages.of(Language.ENGLISH);
        for (Visibility visibility : Visibility.values()) {
            english.text("visibility." + visibility);
            english.text("visibility.help." + visibility);
        }
        for (VersionStatus status : VersionStatus.values()) {
            english.text("version.status." + status.wire());
        }
        for (ChangeSet.Status status : ChangeSet.Status.values()) {
            english.text("change-set.status." + status);
        }
        for (Change.Type type : Change.Type.values()) {
            english.text("change." + type.wire());
        }
        for (Step.Name step : Step.Name.values()) {
            english.text("step." + step.wire());
        }
    }

    private static List<Path> files(String ending) {
        try (Stream<Path> all = Files.walk(MODULE)) {
            return all.filter(f -> f.toString().endsWith(ending)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
