package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Something a product is metered by.
 *
 * @param id the ledger's number for it, never shown to clients
 * @param quantityMax the most one record may carry
 * @param restrictedAt from when on no new offer or rate may price it; agreements that have a price for it keep it
 */
public record Dimension(
        int id, String key, String title, String unit, Optional<Quantity> quantityMax, Optional<Instant> restrictedAt) {
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9_.-]{1,100}");
    /** What is said of one that is to be added again and would count something else. */
    public static final String COUNTS_OTHERWISE =
            "was there before, with another unit or quantityMax; these stay, as bills name what they count";

    private static final int KEY_CHARS_MAX = 100;
    private static final int TITLE_CHARS_MAX = 200;
    private static final int UNIT_CHARS_MAX = 50;

    /** A dimension to be added. The title defaults to the key. */
    public record New(String key, String title, String unit, Optional<Quantity> quantityMax) {
        public static New read(Fields in) {
            String key = in.parsed("key", Dimension::checkKey, "none");
            Optional<Quantity> quantityMax = in.optionalQuantity("quantityMax");
            if (quantityMax.isPresent() && quantityMax.get().isZero()) {
                in.problem("quantityMax", "must be more than zero");
            }
            return new New(
                    key,
                    in.optionalString("title", TITLE_CHARS_MAX).orElse(key),
                    in.string("unit", UNIT_CHARS_MAX),
                    quantityMax);
        }

        /** Reads {@code dimensions}, each with a key of its own. */
        public static List<New> readAll(Fields in, boolean needed) {
            List<Fields> all = needed
                    ? in.objects("dimensions", Product.DIMENSIONS_MAX)
                    : in.optionalObjects("dimensions", Product.DIMENSIONS_MAX);
            List<New> added = all.stream().map(New::read).toList();
            if (added.stream().map(New::key).distinct().count() < added.size()) {
                in.problem("dimensions", "must not have the same key twice");
            }
            return added;
        }

        /** Whether the ledger can go on with the one there is: what it counts has not become something else. */
        public boolean countsAs(Dimension there) {
            return key.equals(there.key) && unit.equals(there.unit) && quantityMax.equals(there.quantityMax);
        }

        /** As {@link #read} takes it. */
        public Map<String, Object> asked() {
            return Json.object("key", key, "title", title, "unit", unit, "quantityMax", quantityMax.orElse(null));
        }

        /** Before the ledger has given it a number. */
        public Dimension planned() {
            return new Dimension(0, key, title, unit, quantityMax, Optional.empty());
        }
    }

    /** Another title for a dimension. */
    public record Renamed(String key, String title) {
        public Map<String, Object> json() {
            return Json.object("key", key, "title", title);
        }

        /** Reads {@code dimensions}, each named once. */
        public static List<Renamed> readAll(Fields in) {
            List<Renamed> all = in.objects("dimensions", Product.DIMENSIONS_MAX).stream()
                    .map(d -> new Renamed(
                            d.parsed("key", Dimension::checkKey, "none"), d.string("title", TITLE_CHARS_MAX)))
                    .toList();
            if (all.stream().map(Renamed::key).distinct().count() < all.size()) {
                in.problem("dimensions", "must not have the same key twice");
            }
            return all;
        }
    }

    /** Reads {@code dimensions}, the keys of some, each once. */
    public static List<String> readKeys(Fields in) {
        List<String> keys = in.optionalStrings("dimensions", Product.DIMENSIONS_MAX, KEY_CHARS_MAX);
        if (keys.isEmpty()) {
            in.problem("dimensions", "must have at least one key");
        }
        return keys.stream().distinct().toList();
    }

    /** Whether new offers and rates may price it. */
    public boolean isOpen() {
        return restrictedAt.isEmpty();
    }

    private static String checkKey(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("must have 1 to 100 letters, digits, underscores, dots or hyphens");
        }
        return key;
    }

    public Map<String, Object> json() {
        return Json.object(
                "key",
                key,
                "title",
                title,
                "unit",
                unit,
                "quantityMax",
                quantityMax.orElse(null),
                "restrictedAt",
                restrictedAt.orElse(null));
    }
}
