package io.tallystick.aggregator.billing;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Map;
import java.util.Optional;

/**
 * What a buyer owes a seller for a month, before tax, closed for good.
 *
 * @param month of UTC
 * @param exponent decimal places of the currency
 * @param amount the sum of its lines' rounded amounts
 * @param cut charges of runs booked before it are in this month's statements, later ones in the next month's
 */
public record Statement(
        String id,
        YearMonth month,
        String accountId,
        String sellerId,
        String currency,
        int exponent,
        BigDecimal amount,
        int lines,
        long charges,
        Instant cut,
        Instant closedAt) {

    /**
     * The charges of one product's dimension or instance type, under one agreement at one rate, added up.
     *
     * @param kind {@code adjustment} for hours that had been booked before, or that are before the statement's month; {@code
     *     purchase} for what was bought by the year
     * @param coveredQuantity the part of the quantity that was bought by the year
     * @param firstHour the earliest hour of its charges; before the month for what came late
     * @param exact the sum of the charges
     * @param amount {@code exact}, rounded once, half up
     */
    public record Line(
            int number,
            String kind,
            String productId,
            String productCode,
            String productTitle,
            String dimension,
            String unit,
            String sku,
            String agreementId,
            String offerId,
            int rate,
            BigDecimal unitPrice,
            Optional<String> reason,
            BigDecimal quantity,
            BigDecimal coveredQuantity,
            BigDecimal pricedQuantity,
            Instant firstHour,
            Instant lastHour,
            long charges,
            BigDecimal exact,
            BigDecimal amount) {

        public Map<String, Object> json() {
            return Json.object(
                    "line", number,
                    "kind", kind,
                    "productId", productId,
                    "productCode", productCode,
                    "productTitle", productTitle,
                    "dimension", dimension,
                    "unit", unit,
                    "sku", sku,
                    "agreement", agreementId,
                    "offer", offerId,
                    "rate", rate,
                    "unitPrice", ChargeFormat.plain(unitPrice),
                    "reason", reason.orElse(null),
                    "quantity", ChargeFormat.plain(quantity),
                    "coveredQuantity", coveredQuantity.signum() == 0 ? null : ChargeFormat.plain(coveredQuantity),
                    "pricedQuantity", ChargeFormat.plain(pricedQuantity),
                    "firstHour", firstHour,
                    "lastHour", lastHour,
                    "charges", charges,
                    "exact", ChargeFormat.plain(exact),
                    "amount", amount.toPlainString());
        }
    }

    /** For the buyer, operators and the billing job. */
    public Map<String, Object> json() {
        return json("account", accountId);
    }

    /** For the seller, who knows its buyer by a pseudonym only. */
    Map<String, Object> jsonForSeller(String pseudonym) {
        return json("buyer", pseudonym);
    }

    private Map<String, Object> json(String partyField, String party) {
        return Json.object(
                "id",
                id,
                "month",
                month.toString(),
                partyField,
                party,
                "seller",
                sellerId,
                "currency",
                currency,
                "amount",
                amount.toPlainString(),
                "lines",
                lines,
                "charges",
                charges,
                "cut",
                cut,
                "closedAt",
                closedAt);
    }
}
