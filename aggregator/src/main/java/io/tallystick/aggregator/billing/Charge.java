package io.tallystick.aggregator.billing;

import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Optional;

/**
 * What is to be paid, before tax, for a usage line or for what was bought by the year. Everything in it is frozen.
 *
 * @param line of a usage line that line's number; purchases are numbered behind the usage lines of their run
 * @param kind {@code usage} or {@code adjustment} as the usage line's, or {@code purchase}
 * @param bookedAt when its run was booked, the time that {@code from} and {@code to} select by
 * @param hour that the usage is of, or from which on a purchase holds
 * @param month the first day of the month in whose statement it is
 * @param dimension of a purchase {@link #YEAR} or {@link #AMENDMENT}
 * @param pricedQuantity what the unit price is multiplied by; differs from the quantity where started hours count whole, and
 *     where a part was bought by the year
 * @param amount {@code pricedQuantity × unitPrice}, rounded nowhere; an amendment's unit price is its cost, rounded once
 * @param reason why nothing is to be paid: {@code free}, {@code byol}, or {@code no-price} where the offer has none for
 *     this dimension or instance type; {@code covered} where all of it or a part was bought by the year
 * @param issuer who issues the invoice, as exports name it
 * @param vm what used it; empty for a purchase
 * @param covered the part that was bought by the year
 * @param bought what was bought by the year; empty for usage
 */
public record Charge(
        long run,
        long line,
        String kind,
        Instant bookedAt,
        Instant hour,
        LocalDate month,
        String sellerId,
        String sellerName,
        String productId,
        String productCode,
        String productTitle,
        String accountId,
        String agreementId,
        String offerId,
        int rate,
        String sku,
        String dimension,
        String unit,
        Quantity quantity,
        Quantity pricedQuantity,
        BigDecimal unitPrice,
        String currency,
        BigDecimal amount,
        Optional<String> reason,
        String issuer,
        Optional<Vm> vm,
        Optional<Covered> covered,
        Optional<Bought> bought) {

    /** Instances bought for a year: a charge for each type. */
    static final String YEAR = "year";
    /** A change of what was bought, charged as one. */
    static final String AMENDMENT = "amendment";
    /** What a purchase is counted in. */
    static final String YEAR_UNIT = "Instance-Years";

    static final String AMENDMENT_UNIT = "Amendments";

    /**
     * What used something.
     *
     * @param instanceType as of the line's hour; empty where the line was booked without
     * @param tags the allocation's tags as JSON, {@code {}} for the untagged bucket
     */
    public record Vm(
            EnrollmentId enrollment,
            String cloud,
            String cloudAccount,
            Optional<String> region,
            String instance,
            Optional<String> instanceType,
            String tags) {}

    /**
     * Instance hours that were bought by the year.
     *
     * @param yearlyPrice of one instance
     * @param termHours that this price is for
     */
    public record Covered(Quantity quantity, BigDecimal yearlyPrice, long termHours) {}

    /**
     * What a purchase was of.
     *
     * @param instanceType empty for an amendment, which is charged as a whole
     */
    public record Bought(String amendmentId, Optional<String> instanceType, Instant termStart, Instant termEnd) {}

    UsagePull.Cursor cursor() {
        return new UsagePull.Cursor(run, line);
    }
}
