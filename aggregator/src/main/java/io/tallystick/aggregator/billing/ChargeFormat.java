package io.tallystick.aggregator.billing;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How charges are written, byte for byte; frozen as {@link LineFormat} is. Amounts are plain decimal strings without
 * superfluous zeros, exact and before tax.
 */
public final class ChargeFormat {
    /** Column order of the CSV form. */
    static final List<String> COLUMNS = List.of(
            "run",
            "line",
            "kind",
            "bookedAt",
            "hour",
            "month",
            "seller",
            "productId",
            "productCode",
            "account",
            "agreement",
            "offer",
            "rate",
            "sku",
            "enrollment",
            "cloud",
            "cloudAccount",
            "region",
            "instance",
            "instanceType",
            "dimension",
            "unit",
            "tags",
            "quantity",
            "pricedQuantity",
            "unitPrice",
            "currency",
            "amount",
            "reason");

    private ChargeFormat() {}

    public static byte[] ndjson(Charge c) {
        UsageLine l = c.usage();
        String json = Json.write(Json.object(
                "run", l.run(),
                "line", l.line(),
                "kind", l.kind(),
                "bookedAt", l.bookedAt(),
                "hour", l.hour(),
                "month", month(c),
                "seller", c.sellerId(),
                "productId", l.productId(),
                "productCode", l.productCode(),
                "account", l.accountId(),
                "agreement", l.agreementId(),
                "offer", c.offerId(),
                "rate", c.rate(),
                "sku", c.sku(),
                "enrollment", l.enrollment(),
                "cloud", l.cloud(),
                "cloudAccount", l.cloudAccount(),
                "region", c.region().orElse(null),
                "instance", l.instance(),
                "instanceType", c.instanceType().orElse(null),
                "dimension", l.dimension(),
                "unit", l.unit(),
                "quantity", l.quantity(),
                "pricedQuantity", c.pricedQuantity(),
                "unitPrice", plain(c.unitPrice()),
                "currency", c.currency(),
                "amount", plain(c.amount()),
                "reason", c.reason().orElse(null)));
        // Tags are stored as the canonical JSON text they were hashed as; they go in as they are.
        String withTags = json.substring(0, json.length() - 1) + ",\"tags\":" + l.tags() + "}\n";
        return withTags.getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csvHeader() {
        return (String.join(",", COLUMNS) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csv(Charge c) {
        UsageLine l = c.usage();
        return LineFormat.row(List.of(
                Long.toString(l.run()),
                Long.toString(l.line()),
                l.kind(),
                l.bookedAt().toString(),
                l.hour().toString(),
                month(c),
                c.sellerId(),
                l.productId(),
                l.productCode(),
                l.accountId(),
                l.agreementId(),
                c.offerId(),
                Integer.toString(c.rate()),
                c.sku(),
                l.enrollment().toString(),
                l.cloud(),
                l.cloudAccount(),
                c.region().orElse(""),
                l.instance(),
                c.instanceType().orElse(""),
                l.dimension(),
                l.unit(),
                l.tags(),
                l.quantity().toString(),
                c.pricedQuantity().toString(),
                plain(c.unitPrice()),
                c.currency(),
                plain(c.amount()),
                c.reason().orElse("")));
    }

    /** {@code 2026-11}. */
    private static String month(Charge c) {
        return c.month().toString().substring(0, 7);
    }

    static String plain(BigDecimal amount) {
        return amount.signum() == 0 ? "0" : amount.stripTrailingZeros().toPlainString();
    }
}
