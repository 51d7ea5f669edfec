package io.tallystick.aggregator.billing;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

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
        Optional<Charge.Vm> vm = c.vm();
        String json = Json.write(Json.object(
                "run", c.run(),
                "line", c.line(),
                "kind", c.kind(),
                "bookedAt", c.bookedAt(),
                "hour", c.hour(),
                "month", month(c),
                "seller", c.sellerId(),
                "productId", c.productId(),
                "productCode", c.productCode(),
                "account", c.accountId(),
                "agreement", c.agreementId(),
                "offer", c.offerId(),
                "rate", c.rate(),
                "sku", c.sku(),
                "enrollment", vm.map(Charge.Vm::enrollment).orElse(null),
                "cloud", vm.map(Charge.Vm::cloud).orElse(null),
                "cloudAccount", vm.map(Charge.Vm::cloudAccount).orElse(null),
                "region", vm.flatMap(Charge.Vm::region).orElse(null),
                "instance", vm.map(Charge.Vm::instance).orElse(null),
                "instanceType", instanceType(c).orElse(null),
                "dimension", c.dimension(),
                "unit", c.unit(),
                "quantity", c.quantity(),
                "pricedQuantity", c.pricedQuantity(),
                "unitPrice", plain(c.unitPrice()),
                "currency", c.currency(),
                "amount", plain(c.amount()),
                "reason", c.reason().orElse(null),
                "coveredQuantity", c.covered().map(Charge.Covered::quantity).orElse(null),
                "amendment", c.bought().map(Charge.Bought::amendmentId).orElse(null),
                "termStart", c.bought().map(Charge.Bought::termStart).orElse(null),
                "termEnd", c.bought().map(Charge.Bought::termEnd).orElse(null)));
        // Tags are stored as the canonical JSON text they were hashed as; they go in as they are.
        String withTags = vm.map(v -> json.substring(0, json.length() - 1) + ",\"tags\":" + v.tags() + "}")
                .orElse(json);
        return (withTags + "\n").getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csvHeader() {
        return (String.join(",", COLUMNS) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** The columns are those of usage, for ever: a purchase leaves those of its VM empty. */
    public static byte[] csv(Charge c) {
        Optional<Charge.Vm> vm = c.vm();
        return LineFormat.row(List.of(
                Long.toString(c.run()),
                Long.toString(c.line()),
                c.kind(),
                c.bookedAt().toString(),
                c.hour().toString(),
                month(c),
                c.sellerId(),
                c.productId(),
                c.productCode(),
                c.accountId(),
                c.agreementId(),
                c.offerId(),
                Integer.toString(c.rate()),
                c.sku(),
                vm.map(v -> v.enrollment().toString()).orElse(""),
                vm.map(Charge.Vm::cloud).orElse(""),
                vm.map(Charge.Vm::cloudAccount).orElse(""),
                vm.flatMap(Charge.Vm::region).orElse(""),
                vm.map(Charge.Vm::instance).orElse(""),
                instanceType(c).orElse(""),
                c.dimension(),
                c.unit(),
                vm.map(Charge.Vm::tags).orElse("{}"),
                c.quantity().toString(),
                c.pricedQuantity().toString(),
                plain(c.unitPrice()),
                c.currency(),
                plain(c.amount()),
                c.reason().orElse("")));
    }

    /** Of the VM, or that was bought. */
    static Optional<String> instanceType(Charge c) {
        return c.vm().flatMap(Charge.Vm::instanceType).or(() -> c.bought().flatMap(Charge.Bought::instanceType));
    }

    /** {@code 2026-11}. */
    private static String month(Charge c) {
        return c.month().toString().substring(0, 7);
    }

    static String plain(BigDecimal amount) {
        return amount.signum() == 0 ? "0" : amount.stripTrailingZeros().toPlainString();
    }
}
