package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.usage.UsageReport;
import io.tallystick.aggregator.usage.UsageReport.Bucket;
import io.tallystick.aggregator.usage.UsageReport.Row;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The dashboard's content: the filter with its choices, a chart for each unit of measure, and the rows.
 *
 * @param showCustomers whether the visitor has customers, or is one
 */
public record UsageView(
        Filter filter,
        List<Choice> products,
        List<Choice> dimensions,
        List<Choice> customers,
        List<Choice> versions,
        List<Chart> charts,
        List<Row> rows,
        boolean more,
        boolean showCustomers) {
    /** Rows on the page; the CSV has all. */
    static final int ROWS_SHOWN_MAX = 300;
    /** Lines of one chart; what is beyond is drawn as one. */
    private static final int SERIES_MAX = 8;

    private static final int CHARTS_MAX = 12;

    private static final DateTimeFormatter HOUR_LABEL =
            DateTimeFormatter.ofPattern("MM-dd HH:mm").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter DAY_LABEL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter MONTH_LABEL =
            DateTimeFormatter.ofPattern("yyyy-MM").withZone(ZoneOffset.UTC);

    /** By what a chart's bars are divided. */
    public enum Split {
        NONE,
        CUSTOMER,
        VERSION;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Split ofWire(String wire) {
            for (Split split : values()) {
                if (split.wire().equals(wire)) {
                    return split;
                }
            }
            throw new IllegalArgumentException("must be none, customer or version");
        }
    }

    /** What is asked for; both days are included. */
    public record Filter(
            LocalDate from,
            LocalDate to,
            Bucket bucket,
            Split split,
            Optional<String> product,
            Optional<String> dimension,
            Optional<String> customer,
            Optional<String> version) {
        /** The query string that asks for the same. */
        public String parameters() {
            Map<String, String> all = new LinkedHashMap<>();
            all.put("from", from.toString());
            all.put("to", to.toString());
            all.put("by", bucket.wire());
            all.put("split", split.wire());
            product.ifPresent(p -> all.put("product", p));
            dimension.ifPresent(d -> all.put("dimension", d));
            customer.ifPresent(c -> all.put("customer", c));
            version.ifPresent(v -> all.put("version", v));
            return all.entrySet().stream()
                    .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue(), StandardCharsets.UTF_8))
                    .collect(Collectors.joining("&"));
        }
    }

    /** A line of a select. */
    public record Choice(String value, String label, boolean selected) {}

    /**
     * One dimension of one product.
     *
     * @param data what {@code portal.js} draws, as JSON
     * @param total of all its rows
     */
    public record Chart(String title, String unit, Quantity total, boolean provisional, String data) {}

    static UsageView of(
            Filter filter,
            List<Instant> starts,
            List<UsageReport.Subscription> subscriptions,
            List<Row> rows,
            Instant now,
            boolean showCustomers) {
        Map<String, String> products = new LinkedHashMap<>();
        TreeSet<String> customers = new TreeSet<>();
        for (UsageReport.Subscription s : subscriptions) {
            products.put(s.product(), s.productTitle());
            if (filter.product().map(s.product()::equals).orElse(true)) {
                customers.add(s.customer());
            }
        }
        return new UsageView(
                filter,
                choices(products, filter.product()),
                choices(named(rows, Row::dimension), filter.dimension()),
                choices(named(customers), filter.customer()),
                choices(versions(rows), filter.version()),
                charts(filter, starts, rows, now),
                rows.subList(0, Math.min(rows.size(), ROWS_SHOWN_MAX)),
                rows.size() > ROWS_SHOWN_MAX,
                showCustomers);
    }

    /** By title; of which product where several have one of that title. */
    private static Map<String, String> versions(List<Row> rows) {
        Map<String, String> titles = new TreeMap<>();
        Map<String, TreeSet<String>> products = new TreeMap<>();
        for (Row row : rows) {
            if (!row.version().isEmpty()) {
                titles.put(row.version(), row.versionTitle());
                products.computeIfAbsent(row.version(), k -> new TreeSet<>()).add(row.productTitle());
            }
        }
        Map<String, String> named = new LinkedHashMap<>();
        titles.entrySet().stream()
                .sorted(Map.Entry.comparingByValue())
                .forEach(e -> named.put(
                        e.getKey(),
                        e.getValue() + " · " + String.join(", ", products.getOrDefault(e.getKey(), new TreeSet<>()))));
        if (rows.stream().anyMatch(row -> row.version().isEmpty())) {
            named.put(UsageReport.NO_VERSION, "");
        }
        return named;
    }

    /** What people call the version; an image that belongs to none has nothing but its id. */
    private static String versionName(Row row) {
        return row.version().isEmpty() ? row.image() : row.versionTitle();
    }

    private static Map<String, String> named(List<Row> rows, Function<Row, String> value) {
        return named(rows.stream().map(value).collect(Collectors.toCollection(TreeSet::new)));
    }

    private static Map<String, String> named(TreeSet<String> values) {
        Map<String, String> named = new LinkedHashMap<>();
        values.forEach(v -> named.put(v, v));
        return named;
    }

    /** The choices, and the one taken even where it is none of them: a page must not claim another filter than it has. */
    private static List<Choice> choices(Map<String, String> labels, Optional<String> selected) {
        Map<String, String> all = new LinkedHashMap<>(labels);
        selected.ifPresent(s -> all.putIfAbsent(s, s));
        return all.entrySet().stream()
                .map(e -> new Choice(
                        e.getKey(),
                        e.getValue(),
                        selected.map(e.getKey()::equals).orElse(false)))
                .toList();
    }

    private static List<Chart> charts(Filter filter, List<Instant> starts, List<Row> rows, Instant now) {
        Map<List<String>, List<Row>> byDimension =
                new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
        for (Row row : rows) {
            byDimension
                    .computeIfAbsent(
                            List.of(row.productTitle(), row.product(), row.dimension()), k -> new ArrayList<>())
                    .add(row);
        }
        boolean manyProducts =
                byDimension.keySet().stream().map(k -> k.get(1)).distinct().count() > 1;
        List<Instant> buckets =
                starts.stream().filter(start -> !start.isAfter(now)).toList();
        return byDimension.entrySet().stream()
                .limit(CHARTS_MAX)
                .map(e -> chart(filter, buckets, e.getKey(), e.getValue(), manyProducts))
                .toList();
    }

    private static Chart chart(
            Filter filter, List<Instant> buckets, List<String> key, List<Row> rows, boolean manyProducts) {
        Row first = rows.get(0);
        List<String> names = seriesNames(filter, rows);
        List<Map<String, Object>> series = new ArrayList<>();
        for (String name : names) {
            Map<Instant, Quantity> sums = new TreeMap<>();
            for (Row row : rows) {
                if (seriesName(filter, names, row).equals(name)) {
                    sums.merge(row.start(), row.quantity(), Quantity::plus);
                }
            }
            series.add(Json.object(
                    "name",
                    name,
                    "values",
                    buckets.stream()
                            .map(b -> sums.containsKey(b) ? sums.get(b).toString() : "0")
                            .toList()));
        }
        TreeSet<Instant> provisional =
                rows.stream().filter(Row::provisional).map(Row::start).collect(Collectors.toCollection(TreeSet::new));
        DateTimeFormatter label =
                switch (filter.bucket()) {
                    case HOUR -> HOUR_LABEL;
                    case DAY -> DAY_LABEL;
                    case MONTH -> MONTH_LABEL;
                };
        String data = Json.write(Json.object(
                "unit",
                first.unit(),
                "labels",
                buckets.stream().map(label::format).toList(),
                "provisional",
                buckets.stream().map(provisional::contains).toList(),
                "series",
                series));
        return new Chart(
                manyProducts ? key.get(0) + " · " + first.dimension() : first.dimension(),
                first.unit(),
                rows.stream().map(Row::quantity).reduce(Quantity.ZERO, Quantity::plus),
                !provisional.isEmpty(),
                data);
    }

    /** The largest by name, and {@code …} for the rest; a lone series has no name. */
    private static List<String> seriesNames(Filter filter, List<Row> rows) {
        if (filter.split() == Split.NONE) {
            return List.of("");
        }
        Map<String, Quantity> sums = new TreeMap<>();
        rows.forEach(row -> sums.merge(part(filter, row), row.quantity(), Quantity::plus));
        List<String> largest = sums.entrySet().stream()
                .sorted(Map.Entry.<String, Quantity>comparingByValue().reversed())
                .map(Map.Entry::getKey)
                .toList();
        if (largest.size() <= SERIES_MAX) {
            return largest.stream().sorted().toList();
        }
        List<String> names = new ArrayList<>(
                largest.subList(0, SERIES_MAX - 1).stream().sorted().toList());
        names.add("…");
        return names;
    }

    private static String seriesName(Filter filter, List<String> names, Row row) {
        String part = part(filter, row);
        return names.contains(part) ? part : names.get(names.size() - 1);
    }

    private static String part(Filter filter, Row row) {
        return switch (filter.split()) {
            case NONE -> "";
            case CUSTOMER -> row.customer();
            case VERSION -> versionName(row);
        };
    }
}
