package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the aggregator tells an agent about metering.
 *
 * @param flushInterval how often a batch is cut; the end of an hour cuts one too
 */
public record MeteringPlan(Duration flushInterval, List<Product> products) {
    /** The built-in meter's dimension where a product has it: hours of instance uptime. */
    public static final String UPTIME_DIMENSION = "uptime-hours";

    private static final int DIMENSIONS_MAX = 1_000;

    /**
     * One product the instance carries.
     *
     * @param lateLimit how old a record may be when it arrives
     */
    public record Product(String code, String id, Duration lateLimit, List<Dimension> dimensions) {
        public Product {
            dimensions = List.copyOf(dimensions);
        }

        public Optional<Dimension> dimension(String key) {
            return dimensions.stream().filter(d -> d.key().equals(key)).findFirst();
        }
    }

    /**
     * Something metered.
     *
     * @param max the most one record may carry; absent for no limit beyond a quantity's own
     */
    public record Dimension(String key, String unit, Optional<Quantity> max) {}

    public MeteringPlan {
        products = List.copyOf(products);
    }

    public Optional<Product> product(String code) {
        return products.stream().filter(p -> p.code().equals(code)).findFirst();
    }

    public Map<String, Object> toJson() {
        List<Object> list = new ArrayList<>();
        for (Product p : products) {
            List<Object> dimensions = new ArrayList<>();
            p.dimensions()
                    .forEach(d -> dimensions.add(Json.object(
                            "key",
                            d.key(),
                            "unit",
                            d.unit(),
                            "max",
                            d.max().map(Quantity::toString).orElse(null))));
            list.add(Json.object("code", p.code(), "id", p.id(), "lateLimit", p.lateLimit(), "dimensions", dimensions));
        }
        return Json.object("flushInterval", flushInterval, "products", list);
    }

    public static MeteringPlan read(Fields f) {
        Duration flush = f.duration("flushInterval");
        List<Product> products = new ArrayList<>();
        for (Fields p : f.objects("products", Wire.PRODUCT_CODES_MAX)) {
            List<Dimension> dimensions = new ArrayList<>();
            for (Fields d : p.objects("dimensions", DIMENSIONS_MAX)) {
                dimensions.add(new Dimension(
                        d.string("key", Wire.DIMENSION_CHARS_MAX), d.string("unit", 100), d.optionalQuantity("max")));
            }
            products.add(new Product(
                    p.string("code", Wire.PRODUCT_CODE_CHARS_MAX),
                    p.string("id", 64),
                    p.duration("lateLimit"),
                    dimensions));
        }
        return new MeteringPlan(flush, products);
    }
}
