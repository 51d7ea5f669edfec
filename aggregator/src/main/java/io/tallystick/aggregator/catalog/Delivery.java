package io.tallystick.aggregator.catalog;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How buyers get a version (rule R2): an image to launch; an image with a template that deploys it; or a package from which
 * they build an image of their own. It stays as it is once the version is published: another one is another version.
 *
 * @param template JSON that names the version's image; buyers get it with the marketplace's copy instead
 */
public record Delivery(Kind kind, Optional<String> template, Optional<Package> software) {
    /** What AWS takes of a template that is handed over whole. */
    static final int TEMPLATE_BYTES_MAX = 51_200;

    private static final int URL_CHARS_MAX = 2000;
    private static final Pattern IMAGE_ID = Pattern.compile("\\bami-[0-9a-f]{8,17}\\b");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    public static final Delivery IMAGE = new Delivery(Kind.IMAGE, Optional.empty(), Optional.empty());

    /** What buyers get. */
    public enum Kind {
        IMAGE,
        TEMPLATE,
        PACKAGE;

        /** As written in JSON and the database. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Kind ofWire(String wire) {
            for (Kind kind : values()) {
                if (kind.wire().equals(wire)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("must be image, template or package");
        }
    }

    /**
     * Where a package is, and what it is.
     *
     * @param sha256 of its bytes, in hex
     */
    public record Package(String url, String sha256) {}

    /** Whether the marketplace has an image to copy. */
    public boolean hasImage() {
        return kind != Kind.PACKAGE;
    }

    /**
     * Reads {@code delivery}, {@code template} and {@code package}. Templates are kept as we write JSON: what is checked is what
     * buyers get.
     *
     * @param imageId the version's image, which a template must name, and no other
     */
    static Delivery read(Fields in, String imageId) {
        Kind kind = in.optionalParsed("delivery", Kind::ofWire).orElse(Kind.IMAGE);
        Optional<String> template = in.optionalParsed("template", text -> checkTemplate(text, imageId));
        Optional<Package> software = in.optionalObject("package")
                .map(p -> new Package(
                        p.parsed("url", Delivery::checkUrl, ""), p.parsed("sha256", Delivery::checkSha256, "")));
        needed(in, "template", kind == Kind.TEMPLATE, in.has("template"));
        needed(in, "package", kind == Kind.PACKAGE, in.has("package"));
        return new Delivery(kind, template, software);
    }

    private static void needed(Fields in, String field, boolean wanted, boolean there) {
        if (wanted != there) {
            in.problem(field, wanted ? "is missing" : "is for the delivery " + field + " only");
        }
    }

    private static String checkTemplate(String text, String imageId) {
        Map<String, Object> json;
        try {
            json = Json.parseObject(text);
        } catch (Failure | IllegalArgumentException e) {
            throw new IllegalArgumentException("must be a JSON object", e);
        }
        if (!(json.get("Resources") instanceof Map<?, ?> resources) || resources.isEmpty()) {
            throw new IllegalArgumentException("must have Resources");
        }
        String written = Json.write(json);
        int bytes = written.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > TEMPLATE_BYTES_MAX) {
            throw new IllegalArgumentException("must have at most " + TEMPLATE_BYTES_MAX + " bytes, has " + bytes);
        }
        TreeSet<String> others = new TreeSet<>();
        addImages(json, others);
        if (!others.remove(imageId)) {
            throw new IllegalArgumentException("must launch the version's image " + imageId);
        }
        if (!others.isEmpty()) {
            throw new IllegalArgumentException(
                    "must launch no image but the version's, names " + String.join(", ", others));
        }
        return written;
    }

    /** The images that names and values name: of their text, as JSON may write any character as its number. */
    private static void addImages(@Nullable Object value, Set<String> images) {
        if (value instanceof Map<?, ?> map) {
            map.forEach((name, member) -> {
                addImages(name, images);
                addImages(member, images);
            });
        } else if (value instanceof List<?> list) {
            list.forEach(item -> addImages(item, images));
        } else if (value instanceof String text) {
            Matcher named = IMAGE_ID.matcher(text);
            while (named.find()) {
                images.add(named.group());
            }
        }
    }

    private static String checkUrl(String text) {
        String rule = "must be an https address of at most " + URL_CHARS_MAX + " characters";
        try {
            URI uri = URI.create(text);
            if (!"https".equals(uri.getScheme()) || uri.getHost() == null || text.length() > URL_CHARS_MAX) {
                throw new IllegalArgumentException(rule);
            }
            return text;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(rule, e);
        }
    }

    private static String checkSha256(String text) {
        if (!SHA256.matcher(text).matches()) {
            throw new IllegalArgumentException("must be 64 hexadecimal digits in small letters");
        }
        return text;
    }

    /** @param launched the image that the template shall launch instead of the seller's; empty to leave it as it is */
    Map<String, Object> json(String sourceImageId, Optional<String> launched) {
        return Json.object(
                "delivery",
                kind.wire(),
                "template",
                template.map(t -> launched.map(image -> t.replace(sourceImageId, image))
                                .orElse(t))
                        .orElse(null),
                "package",
                software.map(p -> Json.object("url", p.url(), "sha256", p.sha256()))
                        .orElse(null));
    }
}
