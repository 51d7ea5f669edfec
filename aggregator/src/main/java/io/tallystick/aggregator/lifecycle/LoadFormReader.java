package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Delivery;
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
import java.util.stream.Stream;

/** Reads one form, and remembers which cell each value came from. */
final class LoadFormReader {
    private final List<Failure.Problem> problems = new ArrayList<>();
    private final Map<String, String> values = new HashMap<>();
    private final Map<String, String> cells = new HashMap<>();

    LoadFormReader(String csv) {
        List<List<String>> rows;
        try {
            rows = Sheet.read(csv);
        } catch (IllegalArgumentException e) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem("form", String.valueOf(e.getMessage()))));
        }
        Map<String, String> known = LoadForm.fields();
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
        Optional<Delivery.Kind> type = Optional.empty();
        try {
            type = Optional.ofNullable(values.get(LoadForm.TYPE)).map(Delivery.Kind::ofWire);
        } catch (IllegalArgumentException e) {
            problem(cell(LoadForm.TYPE), String.valueOf(e.getMessage()));
        }
        Map<String, String> origins = new HashMap<>();
        Fields in = Fields.of(page(origins));
        ProductPage page = ProductPage.read(in);
        try {
            in.done();
        } catch (Failure e) {
            e.problems().forEach(p -> problem(LoadForm.origin(origins, p.path()), p.detail()));
        }
        Map<LoadForm.PlaceKey, List<String>> places = places();
        Map<String, LoadForm.Measured> dimensions = dimensions();
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, Fields.told(problems));
        }
        return new LoadForm(revision, cell("revision"), type, title, page, places, dimensions, cells, origins);
    }

    private Map<String, LoadForm.Measured> dimensions() {
        Map<String, LoadForm.Measured> found = new LinkedHashMap<>();
        Set<String> keys = new HashSet<>();
        for (int i = 1; i <= LoadForm.DIMENSIONS; i++) {
            String at = "dimension." + i + ".";
            Map<String, Object> json = Json.object();
            Map<String, String> origins = new HashMap<>();
            LoadForm.OF_DIMENSION.forEach(member -> copy(at + member, json, member, "", origins));
            Optional<Boolean> restricted = restricted(at + "restricted");
            if (!json.isEmpty() || restricted.orElse(false)) {
                String cell = cell(at + "key");
                Fields in = Fields.of(json);
                Dimension.New wanted = Dimension.New.read(in);
                try {
                    in.done();
                    if (!keys.add(wanted.key())) {
                        problem(cell, "is the key of another dimension, too");
                    }
                    found.put(cell, new LoadForm.Measured(wanted, restricted));
                } catch (Failure e) {
                    e.problems().forEach(p -> problem(cell(at + p.path()), p.detail()));
                }
            }
        }
        return found;
    }

    /** Nothing where the form has no such row. */
    private Optional<Boolean> restricted(String field) {
        String value = values.getOrDefault(field, "");
        if (!value.isEmpty() && !value.equals(LoadForm.YES)) {
            problem(cell(field), "must be " + LoadForm.YES + " or blank");
        }
        return cells.containsKey(field) ? Optional.of(!value.isEmpty()) : Optional.empty();
    }

    /** The page as its JSON, and which cell each path of it came from. */
    private Map<String, Object> page(Map<String, String> origins) {
        Map<String, Object> json = Json.object();
        Map<String, Object> texts = Json.object();
        for (String language : List.of(ProductPage.ENGLISH, ProductPage.FRENCH)) {
            Map<String, Object> one = Json.object();
            String at = "texts." + language + ".";
            // What is missing in a language is missing where it begins.
            origins.put("texts." + language, cell(language + ".shortDescription"));
            copy(language + ".shortDescription", one, "shortDescription", at, origins);
            copy(language + ".longDescription", one, "longDescription", at, origins);
            list(language + ".highlight.", LoadForm.HIGHLIGHTS, one, "highlights", at, origins);
            if (!one.isEmpty()) {
                texts.put(language, one);
            }
        }
        if (!texts.isEmpty()) {
            json.put("texts", texts);
        }
        list("category.", LoadForm.CATEGORIES, json, "categories", "", origins);
        list("keyword.", LoadForm.KEYWORDS, json, "keywords", "", origins);
        for (String field : List.of("sku", "logoUrl", "videoUrl", "support", "refundPolicy")) {
            copy(field, json, field, "", origins);
        }
        List<Object> resources = new ArrayList<>();
        for (int i = 1; i <= LoadForm.RESOURCES; i++) {
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

    private void copy(String field, Map<String, Object> json, String member, String at, Map<String, String> origins) {
        Optional.ofNullable(values.get(field)).ifPresent(value -> {
            json.put(member, value);
            origins.put(at + member, cell(field));
        });
    }

    private void list(
            String prefix, int max, Map<String, Object> json, String member, String at, Map<String, String> origins) {
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

    private Map<LoadForm.PlaceKey, List<String>> places() {
        Map<LoadForm.PlaceKey, List<String>> places = new HashMap<>();
        for (LoadForm.PlaceKey key : LoadForm.keys()) {
            List<String> names = Stream.of(values.getOrDefault(key.field(), "").split("[\\s,;]+", -1))
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
