package io.tallystick.aggregator.billing;

import io.tallystick.common.model.Hours;
import io.tallystick.common.wire.MeteringPlan;
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
    private record Column(String name, Function<Charge, String> value) {}

    private static final String NULL = "";

    private static final List<Column> COLUMNS = List.of(
            new Column("BilledCost", FocusFormat::cost),
            new Column("BillingAccountId", c -> c.usage().accountId()),
            new Column("BillingAccountName", c -> NULL),
            new Column("BillingCurrency", Charge::currency),
            new Column("BillingPeriodEnd", c -> start(c.month().plusMonths(1))),
            new Column("BillingPeriodStart", c -> start(c.month())),
            new Column("ChargeCategory", c -> "Usage"),
            new Column("ChargeClass", c -> isCorrection(c) ? "Correction" : NULL),
            new Column(
                    "ChargeDescription",
                    c -> c.productTitle() + ": " + c.usage().dimension()),
            new Column("ChargeFrequency", c -> "Usage-Based"),
            new Column("ChargePeriodEnd", c -> time(c.usage().hour().plus(Hours.LENGTH))),
            new Column("ChargePeriodStart", c -> time(c.usage().hour())),
            new Column("ConsumedQuantity", c -> c.usage().quantity().toString()),
            new Column("ConsumedUnit", FocusFormat::unit),
            new Column("ContractedCost", FocusFormat::cost),
            new Column("ContractedUnitPrice", FocusFormat::unitPrice),
            new Column("EffectiveCost", FocusFormat::cost),
            new Column("InvoiceIssuerName", Charge::issuer),
            new Column("ListCost", FocusFormat::cost),
            new Column("ListUnitPrice", FocusFormat::unitPrice),
            new Column("PricingCategory", c -> "Standard"),
            new Column("PricingQuantity", c -> c.pricedQuantity().toString()),
            new Column("PricingUnit", FocusFormat::unit),
            new Column("ProviderName", Charge::issuer),
            new Column("PublisherName", Charge::sellerName),
            new Column("RegionId", c -> c.region().orElse(NULL)),
            new Column("RegionName", c -> c.region().orElse(NULL)),
            new Column("ResourceId", c -> c.usage().instance()),
            new Column("ResourceType", c -> "Virtual Machine"),
            new Column("ServiceCategory", c -> "Other"),
            new Column("ServiceName", Charge::productTitle),
            new Column("ServiceSubcategory", c -> "Other (Other)"),
            new Column("SkuId", Charge::sku),
            new Column("SkuMeter", c -> c.usage().dimension()),
            new Column("SkuPriceId", c -> c.offerId() + ":" + c.rate() + ":" + c.sku()),
            new Column("SubAccountId", c -> c.usage().cloudAccount()),
            new Column("SubAccountName", c -> c.usage().cloudAccount()),
            new Column("Tags", c -> c.usage().tags()),
            new Column("x_AgreementId", c -> c.usage().agreementId()),
            new Column("x_ChargeId", c -> c.usage().run() + "." + c.usage().line()),
            new Column("x_InstanceType", c -> c.instanceType().orElse(NULL)),
            new Column("x_OfferId", Charge::offerId),
            new Column("x_ProductCode", c -> c.usage().productCode()),
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
        return c.usage().hour().isBefore(c.month().atStartOfDay().toInstant(ZoneOffset.UTC));
    }

    private static String cost(Charge c) {
        return ChargeFormat.plain(c.amount());
    }

    private static String unitPrice(Charge c) {
        return ChargeFormat.plain(c.unitPrice());
    }

    /** Units are the sellers' words, but for the one that is ours. */
    private static String unit(Charge c) {
        return c.usage().dimension().equals(MeteringPlan.UPTIME_DIMENSION)
                ? "Hours"
                : c.usage().unit();
    }

    private static String start(LocalDate month) {
        return month + "T00:00:00Z";
    }

    /** Hours are whole, so no fraction is ever printed. */
    private static String time(Instant hour) {
        return hour.toString();
    }
}
