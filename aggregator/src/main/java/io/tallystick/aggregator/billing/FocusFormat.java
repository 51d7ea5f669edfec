package io.tallystick.aggregator.billing;

import io.tallystick.common.model.Hours;
import io.tallystick.common.wire.MeteringPlan;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;

/**
 * Charges as the FinOps Open Cost and Usage Specification has them, version 1.2, as CSV; frozen as {@link LineFormat} is.
 * The dataset is the invoice issuer's, so {@code BilledCost} is the amount. Null is an empty cell; columns of our own
 * start with {@code x_} and are last.
 */
public final class FocusFormat {
    /** Of an hour's share of a year's price; the rest is less than a millionth of a cent. */
    private static final int SHARE_PLACES = 12;

    private record Column(String name, Function<Charge, String> value) {}

    private static final String NULL = "";

    private static final List<Column> COLUMNS = List.of(
            new Column("BilledCost", FocusFormat::cost),
            new Column("BillingAccountId", Charge::accountId),
            new Column("BillingAccountName", c -> NULL),
            new Column("BillingCurrency", Charge::currency),
            new Column("BillingPeriodEnd", c -> start(c.month().plusMonths(1))),
            new Column("BillingPeriodStart", c -> start(c.month())),
            new Column("ChargeCategory", c -> c.bought().isPresent() ? "Purchase" : "Usage"),
            new Column("ChargeClass", c -> isCorrection(c) ? "Correction" : NULL),
            new Column("ChargeDescription", c -> c.productTitle() + ": " + description(c)),
            new Column("ChargeFrequency", c -> c.bought().isPresent() ? "One-Time" : "Usage-Based"),
            new Column(
                    "ChargePeriodEnd",
                    c -> time(c.bought().map(Charge.Bought::termEnd).orElseGet(() -> c.hour()
                            .plus(Hours.LENGTH)))),
            new Column("ChargePeriodStart", c -> time(c.hour())),
            new Column(
                    "ConsumedQuantity",
                    c -> c.bought().isPresent() ? NULL : c.quantity().toString()),
            new Column("ConsumedUnit", c -> c.bought().isPresent() ? NULL : unit(c)),
            new Column("ContractedCost", FocusFormat::cost),
            new Column("ContractedUnitPrice", FocusFormat::unitPrice),
            new Column("EffectiveCost", FocusFormat::effectiveCost),
            new Column("InvoiceIssuerName", Charge::issuer),
            new Column("ListCost", FocusFormat::cost),
            new Column("ListUnitPrice", FocusFormat::unitPrice),
            new Column("PricingCategory", c -> c.covered().isPresent() ? "Committed" : "Standard"),
            new Column("PricingQuantity", c -> c.pricedQuantity().toString()),
            new Column("PricingUnit", FocusFormat::unit),
            new Column("ProviderName", Charge::issuer),
            new Column("PublisherName", Charge::sellerName),
            new Column("RegionId", c -> c.vm().flatMap(Charge.Vm::region).orElse(NULL)),
            new Column("RegionName", c -> c.vm().flatMap(Charge.Vm::region).orElse(NULL)),
            new Column("ResourceId", c -> c.vm().map(Charge.Vm::instance).orElse(NULL)),
            new Column("ResourceType", c -> c.vm().isPresent() ? "Virtual Machine" : NULL),
            new Column("ServiceCategory", c -> "Other"),
            new Column("ServiceName", Charge::productTitle),
            new Column("ServiceSubcategory", c -> "Other (Other)"),
            new Column("SkuId", Charge::sku),
            new Column("SkuMeter", Charge::dimension),
            new Column("SkuPriceId", c -> c.offerId() + ":" + c.rate() + ":" + c.sku()),
            new Column("SubAccountId", c -> c.vm().map(Charge.Vm::cloudAccount).orElse(NULL)),
            new Column(
                    "SubAccountName", c -> c.vm().map(Charge.Vm::cloudAccount).orElse(NULL)),
            new Column("Tags", c -> c.vm().map(Charge.Vm::tags).orElse("{}")),
            new Column("x_AgreementId", Charge::agreementId),
            new Column("x_ChargeId", c -> c.cursor().toString()),
            new Column("x_InstanceType", c -> ChargeFormat.instanceType(c).orElse(NULL)),
            new Column("x_OfferId", Charge::offerId),
            new Column("x_ProductCode", Charge::productCode),
            new Column("x_Rate", c -> Integer.toString(c.rate())),
            new Column("x_Reason", c -> c.reason().orElse(NULL)));

    private FocusFormat() {}

    public static byte[] csvHeader() {
        String names = String.join(",", COLUMNS.stream().map(Column::name).toList());
        return (names + "\n").getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] csv(Charge charge) {
        return LineFormat.row(COLUMNS.stream().map(c -> c.value().apply(charge)).toList());
    }

    /** What belongs to an hour of a month that was closed before. */
    private static boolean isCorrection(Charge c) {
        return c.bought().isEmpty()
                && c.hour().isBefore(c.month().atStartOfDay().toInstant(ZoneOffset.UTC));
    }

    private static String cost(Charge c) {
        return ChargeFormat.plain(c.amount());
    }

    /**
     * What was paid ahead counts where it is used: a purchase is 0, and an instance hour that it covers is one hour's share of the
     * year's price.
     */
    private static String effectiveCost(Charge c) {
        if (c.bought().isPresent()) {
            return ChargeFormat.plain(BigDecimal.ZERO);
        }
        BigDecimal share = c.covered()
                .map(y -> y.yearlyPrice()
                        .multiply(y.quantity().value())
                        .divide(BigDecimal.valueOf(y.termHours()), SHARE_PLACES, RoundingMode.HALF_UP))
                .orElse(BigDecimal.ZERO);
        return ChargeFormat.plain(c.amount().add(share));
    }

    private static String description(Charge c) {
        return c.bought()
                .map(b -> b.instanceType()
                        .map(type -> c.quantity() + " " + type + " for a year, " + b.amendmentId())
                        .orElse("amendment " + b.amendmentId()))
                .orElse(c.dimension());
    }

    private static String unitPrice(Charge c) {
        return ChargeFormat.plain(c.unitPrice());
    }

    /** Units are the sellers' words, but for the one that is ours. */
    private static String unit(Charge c) {
        return c.dimension().equals(MeteringPlan.UPTIME_DIMENSION) ? "Hours" : c.unit();
    }

    private static String start(LocalDate month) {
        return month + "T00:00:00Z";
    }

    /** Hours are whole, so no fraction is ever printed. */
    private static String time(Instant hour) {
        return hour.toString();
    }
}
