package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Something a product is metered by.
 *
 * @param id the ledger's number for it, never shown to clients
 * @param quantityMax the most one record may carry
 */
public record Dimension(int id, String key, String title, String unit, Optional<Quantity> quantityMax) {
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9_.-]{1,100}");
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

        /** Whether the product has just this one. */
        public boolean isAs(Dimension there) {
            return key.equals(there.key)
                    && title.equals(there.title)
                    && unit.equals(there.unit)
                    && quantityMax.equals(there.quantityMax);
        }

        public Map<String, Object> json() {
            return planned().json();
        }

        /** Before the ledger has given it a number. */
        Dimension planned() {
            return new Dimension(0, key, title, unit, quantityMax);
        }
    }

    private static String checkKey(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("must have 1 to 100 letters, digits, underscores, dots or hyphens");
        }
        return key;
    }

    public Map<String, Object> json() {
        return Json.object("key", key, "title", title, "unit", unit, "quantityMax", quantityMax.orElse(null));
    }
}
