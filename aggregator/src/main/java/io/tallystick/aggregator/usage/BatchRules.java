package io.tallystick.aggregator.usage;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt.Clamped;
import io.tallystick.common.wire.Receipt.Refused;
import io.tallystick.common.wire.Wire;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Which records of an authentic batch are added up, where, and why others are not. Pure: the same batch, context and
 * time give the same plan. A refused record never keeps another from being booked.
 */
final class BatchRules {
    private BatchRules() {}

    /** One part of one record, ready to be added to a usage hour. */
    record Part(
            int index,
            Instant hour,
            int dimensionId,
            Tags tags,
            UUID allocation,
            String agreementId,
            Quantity quantity) {}

    /** A record that may be booked, with its slot where it has one. */
    record Slot(int index, Instant hour, int dimensionId, String slot) {}

    /** What becomes of a batch, as far as it can be told without the database. */
    record Plan(List<Part> parts, List<Slot> slots, List<Refused> refused, List<Clamped> clamped) {
        /** Whether something may be booked once the context is read again: it may be newer than the one used. */
        boolean mayDependOnStaleContext() {
            return refused.stream()
                    .anyMatch(r -> r.code().equals(ErrorCode.UNKNOWN_DIMENSION.wire())
                            || r.code().equals(ErrorCode.UNKNOWN_PRODUCT.wire())
                            || r.code().equals(ErrorCode.NO_AGREEMENT.wire()));
        }
    }

    static Plan plan(List<MeteringRecord> records, UsageContext context, Instant received) {
        List<Part> parts = new ArrayList<>();
        List<Slot> slots = new ArrayList<>();
        List<Refused> refused = new ArrayList<>();
        List<Clamped> clamped = new ArrayList<>();
        for (int i = 0; i < records.size(); i++) {
            MeteringRecord record = records.get(i);
            Instant hour = clamp(record, context, received);
            Optional<Refused> refusal = refusal(i, record, hour, context, received);
            if (refusal.isPresent()) {
                refused.add(refusal.get());
                continue;
            }
            if (!hour.equals(record.hour())) {
                clamped.add(new Clamped(i, hour));
            }
            UsageContext.BookedProduct product = productOf(record, context).orElseThrow();
            int dimensionId =
                    product.dimension(record.dimension()).orElseThrow().id();
            String agreement = product.covering(hour).orElseThrow().agreementId();
            for (MeteringRecord.Allocation a : record.parts()) {
                parts.add(new Part(i, hour, dimensionId, a.tags(), allocation(a.tags()), agreement, a.quantity()));
            }
            if (record.slot().isPresent()) {
                slots.add(new Slot(i, hour, dimensionId, record.slot().get()));
            }
        }
        return new Plan(parts, slots, refused, clamped);
    }

    /**
     * An impossible time is a wrong clock, and a wrong clock never loses a record: it is booked in the nearest possible
     * hour, from a day before the instance first started to five minutes ahead of now.
     */
    private static Instant clamp(MeteringRecord record, UsageContext context, Instant received) {
        Instant earliest = Hours.of(context.enrollment().firstPendingTime().minus(Wire.PENDING_TOLERANCE));
        Instant latest = Hours.of(received.plus(Wire.FUTURE_TOLERANCE));
        Instant hour = record.hour();
        if (hour.isAfter(latest)) {
            return latest;
        }
        return hour.isBefore(earliest) ? earliest : hour;
    }

    private static Optional<Refused> refusal(
            int index, MeteringRecord record, Instant hour, UsageContext context, Instant received) {
        Optional<UsageContext.BookedProduct> product = productOf(record, context);
        if (product.isEmpty()) {
            return refuse(index, ErrorCode.UNKNOWN_PRODUCT, unknownProduct(record, context));
        }
        Optional<UsageContext.BookedDimension> dimension = product.get().dimension(record.dimension());
        if (dimension.isEmpty()) {
            return refuse(
                    index,
                    ErrorCode.UNKNOWN_DIMENSION,
                    "product " + product.get().code() + " has no dimension " + record.dimension());
        }
        Optional<Quantity> max = dimension.get().max();
        if (max.isPresent() && record.quantity().compareTo(max.get()) > 0) {
            return refuse(
                    index,
                    ErrorCode.OUT_OF_RANGE,
                    "quantity " + record.quantity() + " is above the dimension's limit of " + max.get());
        }
        if (hour.plus(Hours.LENGTH).plus(product.get().lateLimit()).isBefore(received)) {
            return refuse(
                    index,
                    ErrorCode.TOO_LATE,
                    "hour " + hour + " ended longer ago than the product's late limit of "
                            + product.get().lateLimit());
        }
        if (product.get().covering(hour).isEmpty()) {
            return refuse(
                    index,
                    ErrorCode.NO_AGREEMENT,
                    "no agreement of the VM's account on product "
                            + product.get().code() + " covers hour " + hour);
        }
        return Optional.empty();
    }

    private static Optional<UsageContext.BookedProduct> productOf(MeteringRecord record, UsageContext context) {
        if (record.product().isPresent()) {
            return Optional.ofNullable(context.products().get(record.product().get()));
        }
        // "The only product" means the only code the instance carries, not the only one we know.
        return context.enrollment().productCodes().size() == 1
                ? Optional.ofNullable(context.products()
                        .get(context.enrollment().productCodes().get(0)))
                : Optional.empty();
    }

    private static String unknownProduct(MeteringRecord record, UsageContext context) {
        return record.product()
                .map(code -> "the instance does not carry a product with code " + code)
                .orElseGet(() -> context.enrollment().productCodes().size() == 1
                        ? "product code " + context.enrollment().productCodes().get(0) + " is not known here"
                        : "the instance carries "
                                + context.enrollment().productCodes().size()
                                + " product codes, so the record must name its product");
    }

    private static Optional<Refused> refuse(int index, ErrorCode code, String detail) {
        return Optional.of(new Refused(index, code.wire(), detail));
    }

    /** The name of an allocation in the ledger: the first half of the hash of its tags, nil for the untagged bucket. */
    static UUID allocation(Tags tags) {
        Hash hash = tags.hash();
        java.nio.ByteBuffer bytes = java.nio.ByteBuffer.wrap(hash.bytes());
        return new UUID(bytes.getLong(), bytes.getLong());
    }
}
