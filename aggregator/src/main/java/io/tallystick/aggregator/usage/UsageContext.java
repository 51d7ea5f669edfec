package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is needed to book an enrollment's records: its products by code, with dimensions and agreements. */
record UsageContext(Enrollment enrollment, Map<String, BookedProduct> products) {
    /** A product as far as booking needs it. */
    record BookedProduct(
            String code, Duration lateLimit, Map<String, BookedDimension> dimensions, List<Term> agreements) {

        Optional<BookedDimension> dimension(String key) {
            return Optional.ofNullable(dimensions.get(key));
        }

        /**
         * The agreement usage of this hour belongs to: the last accepted of those that were in force at any moment of
         * it, so that the hour somebody subscribed in is theirs, and the hour they left in too.
         */
        Optional<Term> covering(Instant hour) {
            Instant end = hour.plus(Hours.LENGTH);
            Term best = null;
            for (Term t : agreements) {
                boolean began = t.acceptedAt().isBefore(end);
                boolean lasted = t.endedAt().map(e -> e.isAfter(hour)).orElse(true);
                if (began && lasted && (best == null || t.acceptedAt().isAfter(best.acceptedAt()))) {
                    best = t;
                }
            }
            return Optional.ofNullable(best);
        }
    }

    record BookedDimension(int id, Optional<Quantity> max) {}

    /** An agreement's span; open while {@code endedAt} is empty. */
    record Term(String agreementId, Instant acceptedAt, Optional<Instant> endedAt) {}
}
