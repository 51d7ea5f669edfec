package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.MeteringPlan;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * One version of an offer's prices, never changed. An agreement keeps the version it accepted.
 *
 * @param number counts up from 1 within the offer
 * @param partialHours how part of an instance hour is paid, where an instance hour has a price
 * @param prices of what is counted, instance hours among it
 * @param yearly what one instance of a type costs for a year, its hours included
 */
public record Rate(int number, PartialHours partialHours, List<Price> prices, List<Price> yearly, Instant createdAt) {
    /** Prices of one rate, of all sorts together. */
    public static final int PRICES_MAX = 1000;

    private static final int DIMENSION_CHARS_MAX = 100;
    private static final Pattern INSTANCE_TYPE = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    /** How an hour of the dimension {@code uptime-hours} in which an instance ran for a part is paid. */
    public enum PartialHours {
        /** As a whole hour: each started hour of UTC counts as one (the rule of hourly AMI products). */
        FULL,
        /** As the part it is. */
        EXACT;

        public String wire() {
            return this == FULL ? "full" : "exact";
        }

        static PartialHours ofWire(String wire) {
            return switch (wire) {
                case "full" -> FULL;
                case "exact" -> EXACT;
                default -> throw new IllegalArgumentException("must be full or exact");
            };
        }
    }

    /**
     * What a unit of a dimension costs.
     *
     * @param instanceType only for instances of this type; empty for all that have no price of their own
     */
    public record Price(String dimension, Optional<String> instanceType, BigDecimal unitPrice) {
        Map<String, Object> json() {
            return Json.object(
                    instanceType.isPresent() ? "instanceType" : "dimension",
                    instanceType.orElse(dimension),
                    "unitPrice",
                    unitPrice.stripTrailingZeros().toPlainString());
        }
    }

    /** Whether something costs more than by the rate before. What could not be bought by the year before has not risen. */
    boolean raises(Rate before) {
        return prices.stream()
                        .anyMatch(price -> comparedWith(before.prices, price)
                                        .orElse(price.unitPrice().signum())
                                > 0)
                || yearly.stream()
                        .anyMatch(price -> comparedWith(before.yearly, price).orElse(0) > 0);
    }

    private static Optional<Integer> comparedWith(List<Price> before, Price price) {
        return before.stream()
                .filter(p -> p.dimension().equals(price.dimension())
                        && p.instanceType().equals(price.instanceType()))
                .map(p -> price.unitPrice().compareTo(p.unitPrice()))
                .findFirst();
    }

    /** What one instance of this type costs for a year; empty where it cannot be bought so. */
    public Optional<BigDecimal> yearlyPrice(String instanceType) {
        return yearly.stream()
                .filter(p -> p.instanceType().filter(instanceType::equals).isPresent())
                .map(Price::unitPrice)
                .findFirst();
    }

    /** Prices to be offered. */
    public record New(PartialHours partialHours, List<Price> prices, List<Price> yearly) {
        /** Reads {@code prices}, {@code hourly}, {@code yearly} and {@code partialHours}. */
        public static New read(Fields in) {
            List<Price> prices = new ArrayList<>();
            for (Fields price : in.optionalObjects("prices", PRICES_MAX)) {
                prices.add(new Price(
                        price.string("dimension", DIMENSION_CHARS_MAX),
                        Optional.empty(),
                        price.parsed("unitPrice", UnitPrice::parse, BigDecimal.ZERO)));
            }
            prices.addAll(ofTypes(in, "hourly"));
            return new New(
                    in.optionalParsed("partialHours", PartialHours::ofWire).orElse(PartialHours.FULL),
                    prices,
                    ofTypes(in, "yearly"));
        }

        private static List<Price> ofTypes(Fields in, String name) {
            List<Price> prices = new ArrayList<>();
            for (Fields price : in.optionalObjects(name, PRICES_MAX)) {
                prices.add(new Price(
                        MeteringPlan.UPTIME_DIMENSION,
                        Optional.of(price.parsed("instanceType", Rate::checkType, "none")),
                        price.parsed("unitPrice", UnitPrice::parse, BigDecimal.ZERO)));
            }
            return prices;
        }

        /**
         * What is wrong with these prices; adds each problem where it is.
         *
         * @param unpriced why a dimension cannot be priced; empty where it can
         */
        public void check(Fields in, Offer.Kind kind, Function<String, Optional<String>> unpriced) {
            if (kind == Offer.Kind.PAID && prices.isEmpty()) {
                in.problem("prices", "must not be empty together with hourly; an offer without prices is free or byol");
            }
            if (kind != Offer.Kind.PAID && !prices.isEmpty()) {
                in.problem("prices", "must be absent, as hourly must: the offer is " + kind.wire());
            }
            Set<String> seen = new HashSet<>();
            int dimensionAt = 0;
            int typeAt = 0;
            for (Price price : prices) {
                String at = price.instanceType().isPresent()
                        ? "hourly[" + typeAt++ + "].instanceType"
                        : "prices[" + dimensionAt++ + "].dimension";
                unpriced.apply(price.dimension()).ifPresent(why -> in.problem(at, why));
                if (!seen.add(price.dimension() + " " + price.instanceType().orElse(""))) {
                    in.problem(at, "has a price already");
                }
            }
            checkYearly(in, kind);
        }

        /**
         * What is not covered by the year is paid by the hour, so each type needs an hourly price of its own. A year costs
         * nothing only where the hours do and another type does not.
         */
        private void checkYearly(Fields in, Offer.Kind kind) {
            if (kind != Offer.Kind.PAID && !yearly.isEmpty()) {
                in.problem("yearly", "must be absent: the offer is " + kind.wire());
                return;
            }
            Map<String, BigDecimal> hourly = new HashMap<>();
            prices.forEach(p -> p.instanceType().ifPresent(type -> hourly.put(type, p.unitPrice())));
            boolean anyCosts = yearly.stream().anyMatch(p -> p.unitPrice().signum() > 0);
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < yearly.size(); i++) {
                String type = yearly.get(i).instanceType().orElse("");
                BigDecimal hour = hourly.get(type);
                if (!seen.add(type)) {
                    in.problem("yearly[" + i + "].instanceType", "has a price already");
                }
                if (hour == null) {
                    in.problem(
                            "yearly[" + i + "].instanceType",
                            "has no hourly price: what runs beside the instances bought by the year is paid by the"
                                    + " hour");
                } else if (yearly.get(i).unitPrice().signum() == 0 && (hour.signum() > 0 || !anyCosts)) {
                    in.problem(
                            "yearly[" + i + "].unitPrice",
                            "must not be zero, unless the type's hours are free and another type's year is not");
                }
            }
        }
    }

    public Rate {
        prices = List.copyOf(prices);
        yearly = List.copyOf(yearly);
    }

    /** The type itself if it is written as one, or {@link IllegalArgumentException}. */
    public static String checkType(String type) {
        if (!INSTANCE_TYPE.matcher(type).matches()) {
            throw new IllegalArgumentException("must have 1 to 64 letters, digits, dots, underscores or hyphens");
        }
        return type;
    }

    public Map<String, Object> json() {
        return Json.object(
                "rate",
                number,
                "createdAt",
                createdAt,
                "partialHours",
                partialHours.wire(),
                "prices",
                prices.stream()
                        .filter(p -> p.instanceType().isEmpty())
                        .map(Price::json)
                        .toList(),
                "hourly",
                prices.stream()
                        .filter(p -> p.instanceType().isPresent())
                        .map(Price::json)
                        .toList(),
                "yearly",
                yearly.isEmpty() ? null : yearly.stream().map(Price::json).toList());
    }
}
