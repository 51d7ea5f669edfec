package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The product load form (rule R27): a sheet with a field a row, its value in column B and what it is for in column C. Pure.
 *
 * @param revision of the product it was filled in from; empty for a new one
 * @param revisionCell where that is, or should be
 * @param places by kind and cloud, those the product is to be offered in
 * @param dimensions what it is measured by, each with the cell of its key
 */
record LoadForm(
        Optional<Instant> revision,
        String revisionCell,
        String title,
        ProductPage page,
        Map<PlaceKey, List<String>> places,
        Map<String, Dimension.New> dimensions) {
    /** A text in JSON has no more. */
    static final int CHARS_MAX = Json.STRING_CHARS_MAX;

    private static final List<String> CLOUDS = List.of(Profile.AWS.cloud(), Profile.OUTSCALE.cloud());
    private static final Pattern PATH = Pattern.compile("^([a-z]+)(?:\\[(\\d+)])?(?:\\.(.+))?$");
    private static final int HIGHLIGHTS = 3;
    private static final int RESOURCES = 3;
    private static final int CATEGORIES = 3;
    private static final int KEYWORDS = 15;
    /** Rows for dimensions; a product may have more, which are added by change sets. */
    private static final int DIMENSIONS = 24;

    private static final List<String> OF_DIMENSION = List.of("key", "unit", "title", "quantityMax");

    record PlaceKey(Place.Kind kind, String cloud) {
        String field() {
            return cloud + (kind == Place.Kind.REGION ? ".regions" : ".instanceTypes");
        }
    }

    private static List<PlaceKey> keys() {
        return CLOUDS.stream()
                .flatMap(cloud -> Stream.of(Place.Kind.values()).map(kind -> new PlaceKey(kind, cloud)))
                .toList();
    }

    /** Every field in the order of the form, with what it is for. */
    private static Map<String, String> fields() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("revision", "Leave it as it is: it shows what the form was filled in from");
        fields.put("title", "The product's name, up to 200 characters; stays once the product is PUBLIC");
        for (String language : List.of(ProductPage.ENGLISH, ProductPage.FRENCH)) {
            fields.put(language + ".shortDescription", "Up to 1000 characters");
            fields.put(language + ".longDescription", "Up to 5000 characters");
            for (int i = 1; i <= HIGHLIGHTS; i++) {
                fields.put(language + ".highlight." + i, "Up to 500 characters");
            }
        }
        for (int i = 1; i <= CATEGORIES; i++) {
            fields.put("category." + i, "Up to 100 characters");
        }
        for (int i = 1; i <= KEYWORDS; i++) {
            fields.put("keyword." + i, "What buyers search for, up to 50 characters");
        }
        fields.put("sku", "Your own number for it");
        fields.put("logoUrl", "An https address");
        fields.put("videoUrl", "An https address");
        for (int i = 1; i <= RESOURCES; i++) {
            fields.put("resource." + i + ".text", "Up to 500 characters");
            fields.put("resource." + i + ".url", "An https address");
        }
        fields.put("support", "How to get help, up to 2000 characters");
        fields.put("refundPolicy", "Up to 500 characters");
        fields.put("licence.name", "What users agree to");
        fields.put("licence.url", "An https address");
        fields.put("licence.version", "");
        for (int i = 1; i <= DIMENSIONS; i++) {
            String at = "dimension." + i + ".";
            fields.put(at + "key", "What is metered, as your software names it; stays once it is there");
            fields.put(at + "unit", "What is counted, up to 50 characters; needed with a key");
            fields.put(at + "title", "What buyers read; the key, if left out");
            fields.put(at + "quantityMax", "The most that one record may carry");
        }
        keys().forEach(key ->
                fields.put(key.field(), "Names with blanks between; none means all. What is taken away is restricted"));
        return fields;
    }

    /** A form with these values. */
    private static String written(Map<String, String> values) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("field", "value", "what it is"));
        fields().forEach((field, help) -> rows.add(List.of(field, values.getOrDefault(field, ""), help)));
        return Sheet.write(rows);
    }

    static String blank() {
        return written(Map.of());
    }

    static String of(Product product) {
        Map<String, String> values = new HashMap<>();
        ProductPage page = product.page();
        values.put("revision", product.modifiedAt().toString());
        values.put("title", product.title());
        page.texts().forEach((language, texts) -> {
            texts.shortDescription().ifPresent(t -> values.put(language + ".shortDescription", t));
            texts.longDescription().ifPresent(t -> values.put(language + ".longDescription", t));
            number(values, language + ".highlight.", texts.highlights());
        });
        number(values, "category.", page.categories());
        number(values, "keyword.", page.keywords());
        page.sku().ifPresent(t -> values.put("sku", t));
        page.logoUrl().ifPresent(t -> values.put("logoUrl", t));
        page.videoUrl().ifPresent(t -> values.put("videoUrl", t));
        for (int i = 0; i < page.resources().size(); i++) {
            values.put("resource." + (i + 1) + ".text", page.resources().get(i).text());
            values.put("resource." + (i + 1) + ".url", page.resources().get(i).url());
        }
        page.support().ifPresent(t -> values.put("support", t));
        page.refundPolicy().ifPresent(t -> values.put("refundPolicy", t));
        page.licence().ifPresent(l -> {
            values.put("licence.name", l.name());
            values.put("licence.url", l.url());
            l.version().ifPresent(v -> values.put("licence.version", v));
        });
        for (int i = 0; i < Math.min(DIMENSIONS, product.dimensions().size()); i++) {
            Dimension dimension = product.dimensions().get(i);
            String at = "dimension." + (i + 1) + ".";
            values.put(at + "key", dimension.key());
            values.put(at + "unit", dimension.unit());
            values.put(at + "title", dimension.title());
            dimension.quantityMax().ifPresent(q -> values.put(at + "quantityMax", q.toString()));
        }
        keys().forEach(key -> values.put(key.field(), String.join(" ", open(product, key))));
        return written(values);
    }

    private static void number(Map<String, String> values, String prefix, List<String> texts) {
        for (int i = 0; i < texts.size(); i++) {
            values.put(prefix + (i + 1), texts.get(i));
        }
    }

    private static List<String> open(Product product, PlaceKey key) {
        return product.places(key.kind(), key.cloud()).stream()
                .filter(Place::isOpen)
                .map(Place::name)
                .sorted()
                .toList();
    }

    /** Throws every problem at once, each named by its cell. */
    static LoadForm read(String csv) {
        return new Reader(csv).form();
    }

    /** What differs from the product, as changes; refused where those are more than one change set carries. */
    List<Change.Wanted> differences(Product product) {
        List<Change.Wanted> changes = new ArrayList<>();
        List<Dimension.New> added = added(product);
        if (!added.isEmpty()) {
            changes.add(Change.Wanted.ofProduct(
                    Change.Type.ADD_DIMENSIONS,
                    product.id(),
                    ChangeDetails.addition(new Addition(
                            Json.object(
                                    "dimensions",
                                    added.stream().map(Dimension.New::json).toList()),
                            Optional.empty(),
                            Optional.empty()))));
        }
        if (!page.equals(product.page()) || !title.equals(product.title())) {
            changes.add(Change.Wanted.ofProduct(
                    Change.Type.UPDATE_INFORMATION,
                    product.id(),
                    ChangeDetails.page(Optional.of(title), page, revision)));
        }
        for (PlaceKey key : keys()) {
            List<String> wanted = places.getOrDefault(key, List.of());
            List<String> open = open(product, key);
            boolean region = key.kind() == Place.Kind.REGION;
            change(
                    changes,
                    product,
                    key,
                    region ? Change.Type.ADD_REGIONS : Change.Type.ADD_INSTANCE_TYPES,
                    wanted,
                    open);
            change(
                    changes,
                    product,
                    key,
                    region ? Change.Type.RESTRICT_REGIONS : Change.Type.RESTRICT_INSTANCE_TYPES,
                    open,
                    wanted);
        }
        if (changes.size() > ChangeSet.CHANGES_MAX) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST,
                    List.of(new Failure.Problem(
                            "form",
                            "differs by " + changes.size() + " changes of up to " + ChangeDetails.NAMES_MAX
                                    + " regions or instance types, and a change set has at most "
                                    + ChangeSet.CHANGES_MAX + "; upload it in parts")));
        }
        return changes;
    }

    /** Those the product does not have yet; bills name the others, which stay as they are. */
    private List<Dimension.New> added(Product product) {
        List<Dimension.New> added = new ArrayList<>();
        List<Failure.Problem> problems = new ArrayList<>();
        dimensions.forEach((cell, wanted) -> {
            Optional<Dimension> known = product.dimension(wanted.key());
            if (known.isEmpty()) {
                added.add(wanted);
            } else if (!wanted.isAs(known.get())) {
                problems.add(new Failure.Problem(
                        cell, "is a dimension of the product, which stays as it is: unit, title and quantityMax too"));
            }
        });
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
        return added;
    }

    private void change(
            List<Change.Wanted> changes,
            Product product,
            PlaceKey key,
            Change.Type type,
            List<String> names,
            List<String> without) {
        Set<String> known = Set.copyOf(without);
        List<String> rest = names.stream().filter(n -> !known.contains(n)).toList();
        for (int from = 0; from < rest.size(); from += ChangeDetails.NAMES_MAX) {
            List<String> some = rest.subList(from, Math.min(rest.size(), from + ChangeDetails.NAMES_MAX));
            changes.add(Change.Wanted.ofProduct(type, product.id(), ChangeDetails.places(key.cloud(), some, revision)));
        }
    }

    /** Reads one form, and remembers which cell each value came from. */
    private static final class Reader {
        private final List<Failure.Problem> problems = new ArrayList<>();
        private final Map<String, String> values = new HashMap<>();
        private final Map<String, String> cells = new HashMap<>();

        Reader(String csv) {
            List<List<String>> rows;
            try {
                rows = Sheet.read(csv);
            } catch (IllegalArgumentException e) {
                throw Failure.of(
                        ErrorCode.INVALID_REQUEST,
                        List.of(new Failure.Problem("form", String.valueOf(e.getMessage()))));
            }
            Map<String, String> known = fields();
            for (int i = 1; i < rows.size(); i++) {
                List<String> row = rows.get(i);
                String field = row.get(0).strip();
                String value = row.size() > 1 ? row.get(1).strip() : "";
                if (field.isEmpty() && value.isEmpty()) {
                    continue;
                }
                if (!known.containsKey(field)) {
                    problem("A" + (i + 1), "is no field of the form");
                } else if (cells.putIfAbsent(field, "B" + (i + 1)) != null) {
                    problem("A" + (i + 1), "is the second row of " + field);
                } else if (!value.isEmpty()) {
                    values.put(field, value);
                }
            }
            if (rows.isEmpty() || !rows.get(0).get(0).strip().equals("field")) {
                problem("A1", "must be field, as in the form that is handed out");
            }
        }

        private void problem(String cell, String detail) {
            problems.add(new Failure.Problem(cell, detail));
        }

        /** The cell of a field, or A1 where the form does not have it. */
        private String cell(String field) {
            return cells.getOrDefault(field, "A1");
        }

        LoadForm form() {
            String title = values.getOrDefault("title", "");
            if (title.isEmpty() || title.length() > Product.TITLE_CHARS_MAX) {
                problem(cell("title"), "must have 1 to " + Product.TITLE_CHARS_MAX + " characters");
            }
            Optional<Instant> revision = Optional.empty();
            try {
                revision = Optional.ofNullable(values.get("revision")).map(Fields::parseInstant);
            } catch (IllegalArgumentException e) {
                problem(cell("revision"), String.valueOf(e.getMessage()));
            }
            Map<String, String> origins = new HashMap<>();
            Fields in = Fields.of(page(origins));
            ProductPage page = ProductPage.read(in);
            try {
                in.done();
            } catch (Failure e) {
                e.problems().forEach(p -> problem(origin(origins, p.path()), p.detail()));
            }
            Map<PlaceKey, List<String>> places = places();
            Map<String, Dimension.New> dimensions = dimensions();
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, Fields.told(problems));
            }
            return new LoadForm(revision, cell("revision"), title, page, places, dimensions);
        }

        private Map<String, Dimension.New> dimensions() {
            Map<String, Dimension.New> found = new LinkedHashMap<>();
            Set<String> keys = new HashSet<>();
            for (int i = 1; i <= DIMENSIONS; i++) {
                String at = "dimension." + i + ".";
                Map<String, Object> json = Json.object();
                Map<String, String> origins = new HashMap<>();
                OF_DIMENSION.forEach(member -> copy(at + member, json, member, "", origins));
                if (!json.isEmpty()) {
                    String cell = cell(at + "key");
                    Fields in = Fields.of(json);
                    Dimension.New wanted = Dimension.New.read(in);
                    try {
                        in.done();
                        if (!keys.add(wanted.key())) {
                            problem(cell, "is the key of another dimension, too");
                        }
                        found.put(cell, wanted);
                    } catch (Failure e) {
                        e.problems().forEach(p -> problem(cell(at + p.path()), p.detail()));
                    }
                }
            }
            return found;
        }

        /** The cell of what is wrong at a path of the page's JSON; of the object's first where something is missing. */
        private static String origin(Map<String, String> origins, String path) {
            if (origins.containsKey(path)) {
                return origins.get(path);
            }
            Matcher parent = PATH.matcher(path);
            return origins.entrySet().stream()
                    .filter(e -> parent.matches() && e.getKey().startsWith(path.replaceAll("\\.[^.]+$", "")))
                    .map(Map.Entry::getValue)
                    .sorted()
                    .findFirst()
                    .orElse("A1");
        }

        /** The page as its JSON, and which cell each path of it came from. */
        private Map<String, Object> page(Map<String, String> origins) {
            Map<String, Object> json = Json.object();
            Map<String, Object> texts = Json.object();
            for (String language : List.of(ProductPage.ENGLISH, ProductPage.FRENCH)) {
                Map<String, Object> one = Json.object();
                String at = "texts." + language + ".";
                copy(language + ".shortDescription", one, "shortDescription", at, origins);
                copy(language + ".longDescription", one, "longDescription", at, origins);
                list(language + ".highlight.", HIGHLIGHTS, one, "highlights", at, origins);
                if (!one.isEmpty()) {
                    texts.put(language, one);
                }
            }
            if (!texts.isEmpty()) {
                json.put("texts", texts);
            }
            list("category.", CATEGORIES, json, "categories", "", origins);
            list("keyword.", KEYWORDS, json, "keywords", "", origins);
            for (String field : List.of("sku", "logoUrl", "videoUrl", "support", "refundPolicy")) {
                copy(field, json, field, "", origins);
            }
            List<Object> resources = new ArrayList<>();
            for (int i = 1; i <= RESOURCES; i++) {
                Map<String, Object> one = Json.object();
                String at = "resources[" + resources.size() + "].";
                copy("resource." + i + ".text", one, "text", at, origins);
                copy("resource." + i + ".url", one, "url", at, origins);
                if (!one.isEmpty()) {
                    resources.add(one);
                }
            }
            if (!resources.isEmpty()) {
                json.put("resources", resources);
            }
            Map<String, Object> licence = Json.object();
            for (String field : List.of("name", "url", "version")) {
                copy("licence." + field, licence, field, "licence.", origins);
            }
            if (!licence.isEmpty()) {
                json.put("licence", licence);
            }
            return json;
        }

        private void copy(
                String field, Map<String, Object> json, String member, String at, Map<String, String> origins) {
            Optional.ofNullable(values.get(field)).ifPresent(value -> {
                json.put(member, value);
                origins.put(at + member, cell(field));
            });
        }

        private void list(
                String prefix,
                int max,
                Map<String, Object> json,
                String member,
                String at,
                Map<String, String> origins) {
            List<Object> list = new ArrayList<>();
            for (int i = 1; i <= max; i++) {
                String value = values.get(prefix + i);
                if (value != null) {
                    origins.put(at + member + "[" + list.size() + "]", cell(prefix + i));
                    list.add(value);
                }
            }
            if (!list.isEmpty()) {
                json.put(member, list);
            }
        }

        private Map<PlaceKey, List<String>> places() {
            Map<PlaceKey, List<String>> places = new HashMap<>();
            for (PlaceKey key : keys()) {
                List<String> names = Stream.of(
                                values.getOrDefault(key.field(), "").split("[\\s,;]+", -1))
                        .filter(n -> !n.isEmpty())
                        .distinct()
                        .toList();
                for (String name : names) {
                    try {
                        Place.checkName(name);
                    } catch (IllegalArgumentException e) {
                        problem(cell(key.field()), "each name " + e.getMessage());
                    }
                }
                places.put(key, names);
            }
            return places;
        }
    }
}
