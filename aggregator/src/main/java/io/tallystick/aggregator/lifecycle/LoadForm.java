package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
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
 * @param type what the product's versions are to deliver; empty where the form does not say
 * @param places by kind and cloud, those the product is to be offered in
 * @param dimensions what it is measured by, each with the cell of its key
 * @param cells where the values of the fields are, or should be
 * @param origins the cell of each part of the page, by its path in JSON
 */
record LoadForm(
        Optional<Instant> revision,
        String revisionCell,
        Optional<Delivery.Kind> type,
        String title,
        ProductPage page,
        Map<PlaceKey, List<String>> places,
        Map<String, Measured> dimensions,
        Map<String, String> cells,
        Map<String, String> origins) {
    /** A text in JSON has no more. */
    static final int CHARS_MAX = Json.STRING_CHARS_MAX;

    private static final List<String> CLOUDS = List.of(Profile.AWS.cloud(), Profile.OUTSCALE.cloud());
    private static final Pattern PATH = Pattern.compile("^([a-z]+)(?:\\[(\\d+)])?(?:\\.(.+))?$");
    private static final Pattern CHANGE_PATH = Pattern.compile("^changes\\[(\\d+)]\\.(.+)$");
    private static final Pattern DIMENSION_PATH = Pattern.compile("^details\\.dimensions\\[(\\d+)].*$");
    static final int HIGHLIGHTS = 3;
    static final int RESOURCES = 3;
    static final int CATEGORIES = 3;
    static final int KEYWORDS = 15;
    /** Rows for dimensions; a product may have more, which are added by change sets. */
    static final int DIMENSIONS = 24;

    static final String TYPE = "type";
    private static final String DIMENSION = "dimension";
    static final String YES = "yes";
    static final List<String> OF_DIMENSION = List.of("key", "unit", "title", "quantityMax");

    /**
     * A dimension as the form has it.
     *
     * @param restricted whether it is to be; empty where the form does not say, as those of before it could
     */
    record Measured(Dimension.New wanted, Optional<Boolean> restricted) {}

    record PlaceKey(Place.Kind kind, String cloud) {
        String field() {
            return cloud + (kind == Place.Kind.REGION ? ".regions" : ".instanceTypes");
        }
    }

    static List<PlaceKey> keys() {
        return CLOUDS.stream()
                .flatMap(cloud -> Stream.of(Place.Kind.values()).map(kind -> new PlaceKey(kind, cloud)))
                .toList();
    }

    /** Every field in the order of the form, with what it is for. */
    static Map<String, String> fields() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("revision", "Leave it as it is: it shows what the form was filled in from");
        fields.put(TYPE, "What each of its versions is: image, template (images with a template) or package; stays");
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
            fields.put(at + "unit", "What is counted, up to 50 characters; needed with a key, and stays");
            fields.put(at + "title", "What buyers read; the key, if left out");
            fields.put(at + "quantityMax", "The most that one record may carry; stays");
            fields.put(at + "restricted", "yes, if no new offer or rate is to price it; blank, if any may");
        }
        keys().forEach(key ->
                fields.put(key.field(), "Names with blanks between; none means all. What is taken away is restricted"));
        return fields;
    }

    /** A form with these values. */
    private static String written(Map<String, String> fields, Map<String, String> values) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("field", "value", "what it is"));
        fields.forEach((field, help) -> rows.add(List.of(field, values.getOrDefault(field, ""), help)));
        return Sheet.write(rows);
    }

    /** For a new product of this type; a package is nowhere, and nobody's instance type. */
    static String blank(Delivery.Kind type) {
        Map<String, String> fields = fields();
        if (type == Delivery.Kind.PACKAGE) {
            keys().forEach(key -> fields.remove(key.field()));
        }
        return written(fields, Map.of(TYPE, type.wire()));
    }

    static String of(Product product) {
        Map<String, String> values = described(product.title(), product.page());
        values.put("revision", product.modifiedAt().toString());
        values.put(TYPE, product.type().wire());
        for (int i = 0; i < Math.min(DIMENSIONS, product.dimensions().size()); i++) {
            Dimension dimension = product.dimensions().get(i);
            String at = "dimension." + (i + 1) + ".";
            values.put(at + "key", dimension.key());
            values.put(at + "unit", dimension.unit());
            values.put(at + "title", dimension.title());
            dimension.quantityMax().ifPresent(q -> values.put(at + "quantityMax", q.toString()));
            values.put(at + "restricted", dimension.isOpen() ? "" : YES);
        }
        keys().forEach(key -> values.put(key.field(), String.join(" ", open(product, key))));
        return written(fields(), values);
    }

    /** The fields of a title and a page. */
    private static Map<String, String> described(String title, ProductPage page) {
        Map<String, String> values = new HashMap<>();
        values.put("title", title);
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
        return values;
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
        return new LoadFormReader(csv).form();
    }

    /** What differs from the product, as changes; refused where those are more than one change set carries. */
    List<Change.Wanted> differences(Product product) {
        if (type.isPresent() && type.get() != product.type()) {
            throw Requests.invalid(
                    cellOf(TYPE), "must be " + product.type().wire() + ", as it was when the product was made");
        }
        List<Change.Wanted> changes = new ArrayList<>();
        measured(product, changes);
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

    /** What the changes make of the product, field by field: for people to look at. */
    List<LoadForms.Difference> described(Product product, List<Change.Wanted> changes) {
        List<LoadForms.Difference> all = new ArrayList<>();
        for (Change.Wanted change : changes) {
            ChangeDetails details = change.details();
            details.addition().ifPresent(a -> all.addAll(measured(product, change.type(), a)));
            details.page().ifPresent(p -> all.addAll(redescribed(product, change.type())));
            details.places().ifPresent(p -> {
                boolean added =
                        change.type() == Change.Type.ADD_REGIONS || change.type() == Change.Type.ADD_INSTANCE_TYPES;
                boolean region =
                        change.type() == Change.Type.ADD_REGIONS || change.type() == Change.Type.RESTRICT_REGIONS;
                String field = new PlaceKey(region ? Place.Kind.REGION : Place.Kind.INSTANCE_TYPE, p.cloud()).field();
                String names = String.join(" ", p.names());
                all.add(new LoadForms.Difference(change.type(), field, added ? "" : names, added ? names : ""));
            });
        }
        return all;
    }

    private static List<LoadForms.Difference> measured(Product product, Change.Type type, Addition addition) {
        return switch (type) {
            case RESTRICT_DIMENSIONS ->
                addition.restricted().stream()
                        .map(key -> new LoadForms.Difference(type, DIMENSION, key, ""))
                        .toList();
            case UPDATE_DIMENSIONS ->
                addition.renamed().stream()
                        .map(d -> new LoadForms.Difference(
                                type,
                                DIMENSION,
                                d.key() + ": "
                                        + product.dimension(d.key())
                                                .map(Dimension::title)
                                                .orElse(""),
                                d.key() + ": " + d.title()))
                        .toList();
            default ->
                addition.dimensions().stream()
                        .map(d -> new LoadForms.Difference(
                                type, DIMENSION, "", d.key() + ": " + d.title() + ", " + d.unit()))
                        .toList();
        };
    }

    private List<LoadForms.Difference> redescribed(Product product, Change.Type type) {
        Map<String, String> now = described(product.title(), product.page());
        Map<String, String> then = described(title, page);
        return fields().keySet().stream()
                .filter(field -> !now.getOrDefault(field, "").equals(then.getOrDefault(field, "")))
                .map(field -> new LoadForms.Difference(
                        type, field, now.getOrDefault(field, ""), then.getOrDefault(field, "")))
                .toList();
    }

    /** The same refusal of these changes, with each problem at the cell it comes from. */
    Failure byCell(Failure refused, List<Change.Wanted> changes) {
        if (refused.problems().isEmpty()) {
            return refused;
        }
        Failure named = Failure.of(
                refused.code(),
                refused.problems().stream()
                        .map(p -> new Failure.Problem(cell(p.path(), changes), p.detail()))
                        .toList());
        for (Map.Entry<String, Object> datum : refused.data().entrySet()) {
            named = named.with(datum.getKey(), datum.getValue());
        }
        return named;
    }

    /** The cell of what is wrong at a path of the changes; the path itself where it is about none of them. */
    private String cell(String path, List<Change.Wanted> changes) {
        Matcher at = CHANGE_PATH.matcher(path);
        if (!at.matches()) {
            return path;
        }
        Change.Wanted change = changes.get(Integer.parseInt(at.group(1)));
        String below = at.group(2);
        if (below.equals("product")) {
            return revisionCell;
        }
        ChangeDetails details = change.details();
        if (details.places().isPresent()) {
            boolean region = change.type() == Change.Type.ADD_REGIONS || change.type() == Change.Type.RESTRICT_REGIONS;
            return cellOf(new PlaceKey(
                            region ? Place.Kind.REGION : Place.Kind.INSTANCE_TYPE,
                            details.places().get().cloud())
                    .field());
        }
        if (details.addition().isPresent()) {
            Addition addition = details.addition().get();
            List<String> keys =
                    switch (change.type()) {
                        case RESTRICT_DIMENSIONS -> addition.restricted();
                        case UPDATE_DIMENSIONS ->
                            addition.renamed().stream()
                                    .map(Dimension.Renamed::key)
                                    .toList();
                        default ->
                            addition.dimensions().stream()
                                    .map(Dimension.New::key)
                                    .toList();
                    };
            Matcher nth = DIMENSION_PATH.matcher(below);
            String key = keys.get(nth.matches() ? Integer.parseInt(nth.group(1)) : 0);
            return dimensions.entrySet().stream()
                    .filter(e -> e.getValue().wanted().key().equals(key))
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElse(path);
        }
        return below.equals("details.title") ? cellOf("title") : origin(origins, below.replaceFirst("^details\\.", ""));
    }

    /** Or A1 where the form does not have the field. */
    private String cellOf(String field) {
        return cells.getOrDefault(field, "A1");
    }

    /** The cell of what is wrong at a path of the page's JSON; of the object's first where something is missing. */
    static String origin(Map<String, String> origins, String path) {
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

    /** What the form says of dimensions; those it does not name stay as they are, as bills name them. */
    private void measured(Product product, List<Change.Wanted> changes) {
        List<Dimension.New> added = new ArrayList<>();
        List<String> restricted = new ArrayList<>();
        List<Dimension.Renamed> renamed = new ArrayList<>();
        List<Failure.Problem> problems = new ArrayList<>();
        dimensions.forEach((cell, row) -> {
            Dimension.New wanted = row.wanted();
            Optional<Dimension> known = product.dimension(wanted.key());
            boolean toRestrict =
                    row.restricted().orElse(known.filter(d -> !d.isOpen()).isPresent());
            if (known.isEmpty() && toRestrict) {
                problems.add(
                        new Failure.Problem(cell, "is a new dimension, which cannot be restricted from the start"));
            } else if (known.isEmpty()) {
                added.add(wanted);
            } else if (!wanted.countsAs(known.get())) {
                problems.add(new Failure.Problem(
                        cell, "is a dimension of the product, whose unit and quantityMax stay as they are"));
            } else if (!toRestrict && !known.get().isOpen()) {
                added.add(wanted);
            } else {
                if (toRestrict && known.get().isOpen()) {
                    restricted.add(wanted.key());
                }
                if (!wanted.title().equals(known.get().title())) {
                    renamed.add(new Dimension.Renamed(wanted.key(), wanted.title()));
                }
            }
        });
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
        add(
                changes,
                product,
                Change.Type.ADD_DIMENSIONS,
                added.stream().map(Dimension.New::asked).toList());
        add(changes, product, Change.Type.RESTRICT_DIMENSIONS, restricted);
        add(
                changes,
                product,
                Change.Type.UPDATE_DIMENSIONS,
                renamed.stream().map(Dimension.Renamed::json).toList());
    }

    private static void add(List<Change.Wanted> changes, Product product, Change.Type type, List<?> some) {
        if (!some.isEmpty()) {
            changes.add(Change.Wanted.ofProduct(
                    type,
                    product.id(),
                    ChangeDetails.addition(
                            new Addition(Json.object("dimensions", some), Optional.empty(), Optional.empty()))));
        }
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
}
