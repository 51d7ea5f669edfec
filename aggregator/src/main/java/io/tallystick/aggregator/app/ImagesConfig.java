package io.tallystick.aggregator.app;

import io.tallystick.aggregator.image.CloudClients;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.common.config.ConfigReader;
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
import java.util.regex.Pattern;

/**
 * The image clouds an operator configured; one without an account is not there.
 *
 * @param sampleEvery how often clouds are asked what runs, where there is a key; empty for never
 */
record ImagesConfig(Map<String, CloudClients.Settings> clouds, Optional<Duration> sampleEvery) {
    private static final String OFF = "off";
    private static final Duration SAMPLE_LEAST = Duration.ofMinutes(1);
    private static final Duration SAMPLE_MOST = Duration.ofMinutes(30);
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");
    private static final long KEY_FILE_BYTES_MAX = 4096;

    static ImagesConfig read(ConfigReader in) {
        Map<String, CloudClients.Settings> clouds = new LinkedHashMap<>();
        for (String cloud : List.of(CloudClients.AWS, CloudClients.OUTSCALE)) {
            clouds.put(cloud, settings(in, "images." + cloud + "."));
        }
        return new ImagesConfig(clouds, in.parsed("images.sample-every", "PT5M", ImagesConfig::every));
    }

    private static Optional<Duration> every(String text) {
        if (text.equals(OFF)) {
            return Optional.empty();
        }
        Duration every = Fields.parseDuration(text);
        if (every.compareTo(SAMPLE_LEAST) < 0 || every.compareTo(SAMPLE_MOST) > 0) {
            throw new IllegalArgumentException("must be off, or from " + SAMPLE_LEAST + " to " + SAMPLE_MOST);
        }
        return Optional.of(every);
    }

    private static CloudClients.Settings settings(ConfigReader in, String prefix) {
        Optional<String> account = in.optionalString(prefix + "account");
        Optional<Path> file = in.optionalPath(prefix + "key-file");
        Optional<String> endpoint = Optional.of(in.parsed(prefix + "endpoint", "", ImagesConfig::endpoint))
                .filter(e -> !e.isEmpty());
        account.filter(a -> !ACCOUNT.matcher(a).matches())
                .ifPresent(a -> in.problem(prefix + "account", "must be 12 digits"));
        if (account.isPresent() != file.isPresent()) {
            in.problem(
                    prefix + (account.isPresent() ? "key-file" : "account"),
                    "is missing: an image cloud needs the account and its key");
        }
        Optional<CloudKey> key = file.flatMap(f -> key(in, prefix + "key-file", f));
        return new CloudClients.Settings(account.flatMap(a -> key.map(k -> new CloudClients.Own(a, k))), endpoint);
    }

    private static Optional<CloudKey> key(ConfigReader in, String name, Path file) {
        try {
            if (Files.size(file) > KEY_FILE_BYTES_MAX) {
                throw new IllegalArgumentException("must have at most " + KEY_FILE_BYTES_MAX + " bytes");
            }
            return Optional.of(CloudKey.parse(Files.readString(file)));
        } catch (IOException e) {
            in.problem(name, file + " cannot be read");
        } catch (IllegalArgumentException e) {
            in.problem(name, String.valueOf(e.getMessage()));
        }
        return Optional.empty();
    }

    /** Without a path, since the clouds' clients know theirs. */
    private static String endpoint(String text) {
        if (text.isEmpty()) {
            return text;
        }
        String rule = "must be a URL without a path, such as https://api.{region}.example.com";
        try {
            URI uri = new URI(text.replace("{region}", "region"));
            boolean http = "http".equals(uri.getScheme());
            if (uri.getHost() == null
                    || !(http || "https".equals(uri.getScheme()))
                    || !uri.getRawPath().isEmpty()) {
                throw new IllegalArgumentException(rule);
            }
            if (http && !Config.isLoopback(uri)) {
                throw new IllegalArgumentException("must be https, http is for loopback only");
            }
            return text;
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(rule, e);
        }
    }
}
