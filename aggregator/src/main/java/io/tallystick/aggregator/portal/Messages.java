package io.tallystick.aggregator.portal;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;

/** The portal's texts in one language. Parameters are written {@code {0}}, {@code {1}}; nothing else is special. */
public final class Messages {
    private static final Map<Language, Messages> ALL = load();

    private final Properties texts;

    private Messages(Properties texts) {
        this.texts = texts;
    }

    public static Messages of(Language language) {
        Messages messages = ALL.get(language);
        if (messages == null) {
            throw new IllegalStateException("no texts in " + language);
        }
        return messages;
    }

    /** The text of a key; a key that is not there is a defect. */
    public String text(String key, Object... parameters) {
        String text = find(key).orElseThrow(() -> new IllegalStateException("there is no text " + key));
        for (int i = 0; i < parameters.length; i++) {
            text = text.replace("{" + i + "}", String.valueOf(parameters[i]));
        }
        return text;
    }

    /** The text of a key that is made from data, if there is one. */
    public Optional<String> find(String key) {
        return Optional.ofNullable(texts.getProperty(key));
    }

    Set<String> keys() {
        return texts.stringPropertyNames();
    }

    private static Map<Language, Messages> load() {
        Map<Language, Messages> all = new EnumMap<>(Language.class);
        for (Language language : Language.values()) {
            String name = "/portal/messages_" + language.tag() + ".properties";
            try (var in = Messages.class.getResourceAsStream(name)) {
                if (in == null) {
                    throw new IllegalStateException("the build lacks " + name);
                }
                Properties texts = new Properties();
                texts.load(new InputStreamReader(in, StandardCharsets.UTF_8));
                all.put(language, new Messages(texts));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return all;
    }
}
