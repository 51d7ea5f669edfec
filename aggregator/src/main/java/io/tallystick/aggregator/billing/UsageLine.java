package io.tallystick.aggregator.billing;

import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import java.time.Instant;

/**
 * One booked line: usage of one dimension in one hour by one instance, or an adjustment of an hour booked before.
 * Everything in it is frozen at booking.
 *
 * @param kind {@code usage} for an hour's first line, {@code adjustment} for later ones
 * @param bookedAt when its run was booked, the time that {@code from} and {@code to} select by
 * @param tags the allocation's tags as JSON, {@code {}} for the untagged bucket
 */
public record UsageLine(
        long run,
        long line,
        String kind,
        Instant bookedAt,
        Instant hour,
        String productId,
        String productCode,
        String accountId,
        String agreementId,
        EnrollmentId enrollment,
        String cloud,
        String cloudAccount,
        String instance,
        String dimension,
        String unit,
        String tags,
        Quantity quantity) {}
