package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** Which signed batches a usage hour was added up from: the far end of explaining a bill. */
public final class Evidence {
    /** Batches looked at for one page. */
    public static final int BATCHES_AT_ONCE = 500;
    /** How much before its hour a record may arrive: clocks are allowed to be ahead by five minutes. */
    private static final Duration AHEAD_MAX = Duration.ofMinutes(10);

    private final Database database;
    private final Enrollments enrollments;
    private final EvidenceStore store = new EvidenceStore();
    private final ArchiveStore archives = new ArchiveStore();

    public Evidence(Database database, Enrollments enrollments) {
        this.database = database;
        this.enrollments = enrollments;
    }

    /**
     * A usage hour.
     *
     * @param allocation of its tags, as {@code usage_line} has it
     */
    public record Hour(EnrollmentId enrollment, Instant hour, String productCode, String dimension, UUID allocation) {}

    /** A place in an enrollment's batches. The start is before every one. */
    public record Place(long epoch, long seq) {
        public static final Place START = new Place(0, 0);

        public static Place parse(String text) {
            if (!text.matches("[0-9]{1,9}\\.[0-9]{1,18}")) {
                throw new IllegalArgumentException("must be an epoch and a number such as 1.42");
            }
            int dot = text.indexOf('.');
            return new Place(Long.parseLong(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)));
        }

        @Override
        public String toString() {
            return epoch + "." + seq;
        }
    }

    /**
     * A batch with records of the hour.
     *
     * @param quantity what it added to the hour
     * @param jws as received, compact: anybody with the agent's key can verify it
     * @param receipt as given, compact
     */
    public record Contribution(Place place, Instant received, Quantity quantity, String jws, String receipt) {
        public Map<String, Object> json() {
            return Json.object(
                    "epoch", place.epoch(),
                    "seq", place.seq(),
                    "received", received,
                    "quantity", quantity,
                    "jws", jws,
                    "receipt", receipt);
        }
    }

    /**
     * Files that may hold batches of the hour.
     *
     * @param name of the month they were received in
     * @param location the folder, as it was named when they were written
     */
    public record Archive(String name, Hash manifestSha256, String location) {
        /** Where on whose disks is told to those who run the service. */
        public Map<String, Object> json(boolean withLocation) {
            return Json.object(
                    "name",
                    name,
                    "manifestSha256",
                    ArchiveFolder.hex(manifestSha256),
                    "location",
                    withLocation ? location : null);
        }
    }

    /**
     * @param archives where further batches may be that are not in the database any more
     * @param next where to go on; empty when all batches were looked at
     */
    public record Page(List<Contribution> contributions, List<Archive> archives, Optional<Place> next) {}

    /** The batches received until then that added to the hour, in order; a page may be empty and not the last. */
    public Future<Page> of(Hour hour, Instant receivedUntil, Place after) {
        Instant from = hour.hour().minus(AHEAD_MAX);
        return enrollments.find(database.reads(), hour.enrollment()).compose(found -> archives.ofTimes(
                        database.reads(), hour.enrollment(), from, receivedUntil)
                .compose(archived -> store.batches(
                                database.reads(), hour.enrollment(), from, receivedUntil, after, BATCHES_AT_ONCE)
                        .map(batches -> page(hour, found, batches, archived))));
    }

    private static Page page(
            Hour hour, Optional<Enrollment> enrollment, List<EvidenceStore.Stored> batches, List<Archive> archived) {
        String onlyProduct = enrollment.map(Enrollment::productCodes).stream()
                .flatMap(List::stream)
                .findFirst()
                .orElse("");
        List<Contribution> contributions = new ArrayList<>();
        for (EvidenceStore.Stored stored : batches) {
            Quantity added = added(stored, hour, onlyProduct);
            if (!added.isZero()) {
                contributions.add(
                        new Contribution(stored.place(), stored.received(), added, stored.jws(), stored.receipt()));
            }
        }
        return new Page(
                contributions,
                archived,
                batches.size() < BATCHES_AT_ONCE
                        ? Optional.empty()
                        : Optional.of(batches.get(batches.size() - 1).place()));
    }

    /** What the batch's records add to the hour: those not refused, at the hours the receipt booked them in. */
    private static Quantity added(EvidenceStore.Stored stored, Hour hour, String onlyProduct) {
        Batch batch = Batch.parse(Jws.parseCompact(stored.jws(), Typ.BATCH).payload());
        Receipt receipt =
                Receipt.parse(Jws.parseCompact(stored.receipt(), Typ.RECEIPT).payload());
        Set<Integer> refused =
                receipt.refused().stream().map(Receipt.Refused::index).collect(Collectors.toSet());
        Map<Integer, Instant> moved =
                receipt.clamped().stream().collect(Collectors.toMap(Receipt.Clamped::index, Receipt.Clamped::hour));
        Quantity sum = Quantity.ZERO;
        for (int i = 0; i < batch.records().size(); i++) {
            MeteringRecord record = batch.records().get(i);
            if (refused.contains(i)
                    || !record.dimension().equals(hour.dimension())
                    || !record.product().orElse(onlyProduct).equals(hour.productCode())
                    || !moved.getOrDefault(i, record.hour()).equals(hour.hour())) {
                continue;
            }
            for (MeteringRecord.Allocation part : record.parts()) {
                if (BatchRules.allocation(part.tags()).equals(hour.allocation())) {
                    sum = sum.plus(part.quantity());
                }
            }
        }
        return sum;
    }
}
