package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.MeteringPlan;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * One version of an offer's prices, never changed. An agreement keeps the version it accepted.
 *
 * @param number counts up from 1 within the offer
 * @param partialHours how part of an instance hour is paid, where an instance hour has a price
 */
public record Rate(int number, PartialHours partialHours, List<Price> prices, Instant createdAt) {
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

    /** Whether something costs more than by the rate before. */
    boolean raises(Rate before) {
        return prices.stream()
                .anyMatch(price -> before.prices.stream()
                                .filter(p -> p.dimension().equals(price.dimension())
                                        && p.instanceType().equals(price.instanceType()))
                                .map(p -> price.unitPrice().compareTo(p.unitPrice()))
                                .findFirst()
                                .orElse(price.unitPrice().signum())
                        > 0);
    }

    /** Prices to be offered. */
    public record New(PartialHours partialHours, List<Price> prices) {
        /** Reads {@code prices}, {@code hourly} and {@code partialHours}. */
        public static New read(Fields in) {
            List<Price> prices = new ArrayList<>();
            for (Fields price : in.optionalObjects("prices", PRICES_MAX)) {
                prices.add(new Price(
                        price.string("dimension", DIMENSION_CHARS_MAX),
                        Optional.empty(),
                        price.parsed("unitPrice", UnitPrice::parse, BigDecimal.ZERO)));
            }
            for (Fields price : in.optionalObjects("hourly", PRICES_MAX)) {
                prices.add(new Price(
                        MeteringPlan.UPTIME_DIMENSION,
                        Optional.of(price.parsed("instanceType", New::checkType, "none")),
                        price.parsed("unitPrice", UnitPrice::parse, BigDecimal.ZERO)));
            }
            return new New(
                    in.optionalParsed("partialHours", PartialHours::ofWire).orElse(PartialHours.FULL), prices);
        }

        private static String checkType(String type) {
            if (!INSTANCE_TYPE.matcher(type).matches()) {
                throw new IllegalArgumentException("must have 1 to 64 letters, digits, dots, underscores or hyphens");
            }
            return type;
        }

        /**
         * What is wrong with these prices; adds each problem where it is.
         *
         * @param measured whether the product has a dimension
         */
        public void check(Fields in, Offer.Kind kind, Predicate<String> measured) {
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
                if (!measured.test(price.dimension())) {
                    in.problem(at, "the product has no dimension " + price.dimension());
                }
                if (!seen.add(price.dimension() + " " + price.instanceType().orElse(""))) {
                    in.problem(at, "has a price already");
                }
            }
        }
    }

    public Rate {
        prices = List.copyOf(prices);
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
                        .toList());
    }
}
