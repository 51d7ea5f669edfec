package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.net.URI;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a product's page says beside its title. All of it may be missing: sections are filled in in any order, and replaced
 * whole.
 *
 * @param texts by language, {@value #ENGLISH} or {@value #FRENCH}
 * @param support how to get help
 */
public record ProductPage(
        Map<String, Texts> texts,
        List<String> keywords,
        List<String> categories,
        Optional<String> sku,
        Optional<String> logoUrl,
        Optional<String> videoUrl,
        List<Resource> resources,
        Optional<String> support,
        Optional<String> refundPolicy,
        Optional<Licence> licence) {

    public static final String ENGLISH = "en";
    public static final String FRENCH = "fr";
    public static final ProductPage EMPTY = new ProductPage(
            Map.of(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());

    // As AWS's catalogue has them.
    private static final int KEYWORDS_MAX = 15;
    private static final int KEYWORD_CHARS_MAX = 50;
    private static final int CATEGORIES_MAX = 3;
    private static final int CATEGORY_CHARS_MAX = 100;
    private static final int SHORT_CHARS_MAX = 1000;
    private static final int LONG_CHARS_MAX = 5000;
    private static final int HIGHLIGHTS_MAX = 3;
    private static final int LINE_CHARS_MAX = 500;
    private static final int RESOURCES_MAX = 3;
    private static final int SUPPORT_CHARS_MAX = 2000;
    private static final int URL_CHARS_MAX = 2000;

    public ProductPage {
        texts = Map.copyOf(texts);
        keywords = List.copyOf(keywords);
        categories = List.copyOf(categories);
        resources = List.copyOf(resources);
    }

    /** In one language. */
    public record Texts(Optional<String> shortDescription, Optional<String> longDescription, List<String> highlights) {
        public Texts {
            highlights = List.copyOf(highlights);
        }

        static Texts read(Fields in) {
            return new Texts(
                    in.optionalString("shortDescription", SHORT_CHARS_MAX),
                    in.optionalString("longDescription", LONG_CHARS_MAX),
                    in.optionalStrings("highlights", HIGHLIGHTS_MAX, LINE_CHARS_MAX));
        }

        Map<String, Object> json() {
            return Json.object(
                    "shortDescription",
                    shortDescription.orElse(null),
                    "longDescription",
                    longDescription.orElse(null),
                    "highlights",
                    highlights);
        }
    }

    /** Somewhere to read on. */
    public record Resource(String text, String url) {}

    /** What users agree to. */
    public record Licence(String name, String url, Optional<String> version) {}

    /** Reads all fields: what is left out is empty afterwards, not as it was. */
    public static ProductPage read(Fields in) {
        Map<String, Texts> texts = new LinkedHashMap<>();
        in.optionalObject("texts").ifPresent(all -> {
            for (String language : List.of(ENGLISH, FRENCH)) {
                all.optionalObject(language).ifPresent(one -> texts.put(language, Texts.read(one)));
            }
        });
        List<Resource> resources = new ArrayList<>();
        in.optionalObjects("resources", RESOURCES_MAX)
                .forEach(r -> resources.add(
                        new Resource(r.string("text", LINE_CHARS_MAX), r.parsed("url", ProductPage::checkUrl, ""))));
        return new ProductPage(
                texts,
                in.optionalStrings("keywords", KEYWORDS_MAX, KEYWORD_CHARS_MAX),
                in.optionalStrings("categories", CATEGORIES_MAX, CATEGORY_CHARS_MAX),
                in.optionalString("sku", CATEGORY_CHARS_MAX),
                in.optionalParsed("logoUrl", ProductPage::checkUrl),
                in.optionalParsed("videoUrl", ProductPage::checkUrl),
                resources,
                in.optionalString("support", SUPPORT_CHARS_MAX),
                in.optionalString("refundPolicy", LINE_CHARS_MAX),
                in.optionalObject("licence")
                        .map(l -> new Licence(
                                l.string("name", CATEGORY_CHARS_MAX),
                                l.parsed("url", ProductPage::checkUrl, ""),
                                l.optionalString("version", CATEGORY_CHARS_MAX))));
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

    public Map<String, Object> json() {
        Map<String, Object> byLanguage = new LinkedHashMap<>();
        for (String language : List.of(ENGLISH, FRENCH)) {
            if (texts.containsKey(language)) {
                byLanguage.put(language, texts.get(language).json());
            }
        }
        return Json.object(
                "texts",
                byLanguage,
                "keywords",
                keywords,
                "categories",
                categories,
                "sku",
                sku.orElse(null),
                "logoUrl",
                logoUrl.orElse(null),
                "videoUrl",
                videoUrl.orElse(null),
                "resources",
                resources.stream()
                        .map(r -> Json.object("text", r.text(), "url", r.url()))
                        .toList(),
                "support",
                support.orElse(null),
                "refundPolicy",
                refundPolicy.orElse(null),
                "licence",
                licence.map(l -> Json.object(
                                "name",
                                l.name(),
                                "url",
                                l.url(),
                                "version",
                                l.version().orElse(null)))
                        .orElse(null));
    }

    /** What a product with this title and page is found by, one thing a line. */
    String searchText(String title) {
        List<String> lines = new ArrayList<>(List.of(title));
        lines.addAll(keywords);
        lines.addAll(categories);
        texts.values().forEach(t -> {
            t.shortDescription().ifPresent(lines::add);
            lines.addAll(t.highlights());
        });
        return fold(String.join("\n", lines));
    }

    /** Without capitals and accents, so that nobody has to type them. */
    static String fold(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFKD)
                .replaceAll("\\p{M}+", "")
                .toLowerCase(Locale.ROOT);
    }
}
