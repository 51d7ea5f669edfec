package io.tallystick.aggregator.app;

import io.tallystick.aggregator.image.CloudClients;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.common.config.ConfigReader;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The image clouds an operator configured; one without an account is not there. */
record ImagesConfig(Map<String, CloudClients.Settings> clouds) {
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");
    private static final long KEY_FILE_BYTES_MAX = 4096;

    static ImagesConfig read(ConfigReader in) {
        Map<String, CloudClients.Settings> clouds = new LinkedHashMap<>();
        for (String cloud : List.of(CloudClients.AWS, CloudClients.OUTSCALE)) {
            clouds.put(cloud, settings(in, "images." + cloud + "."));
        }
        return new ImagesConfig(clouds);
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
