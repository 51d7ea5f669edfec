package io.tallystick.agent.awsdoor;

import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.enroll.State;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.agent.store.HourKey;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringPlan;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** {@code MeterUsage}: one write-once record for a dimension and an hour. Thread-safe; waits for the disk. */
final class MeterUsage {
    private final Store store;
    private final TrustedTime time;
    private final Board board;

    MeterUsage(Store store, TrustedTime time, Board board) {
        this.store = store;
        this.time = time;
        this.board = board;
    }

    /** Returns only once the record is on disk; otherwise {@link AwsError} or {@link Failure}, and it is not. */
    Map<String, Object> answer(byte[] body) {
        MeterUsageRequest request = MeterUsageRequest.parse(body);
        Standing standing = board.standing();
        Optional<Instant> now = time.now();
        if (standing.codes().isEmpty()) {
            throw AwsError.later("The agent does not know yet which products this VM carries.");
        }
        if (!standing.codes().contains(request.productCode())) {
            throw AwsError.client(
                    "InvalidProductCodeException",
                    "This VM carries " + standing.codes() + ", not the product code " + request.productCode() + ".");
        }
        Verdict verdict = standing.verdict(Optional.of(request.productCode()), now);
        Optional<Failure> denied = verdict.state() == State.DENIED
                ? Optional.of(Failure.of(
                        ErrorCode.DENIED,
                        verdict.sentence().orElse("This VM is not entitled to the product.") + " "
                                + verdict.remedy().orElse("")))
                : Optional.empty();
        Optional<MeteringPlan.Product> product = standing.plan().flatMap(p -> p.product(request.productCode()));
        if (now.isEmpty() || product.isEmpty()) {
            if (denied.isPresent()) {
                throw refused(request, denied.get());
            }
            throw AwsError.later("The aggregator has not told this agent yet what the product meters.");
        }
        checkDimension(request, product.get());
        request.checkTime(now.get(), product.get().lateLimit());
        if (request.dryRun()) {
            throw refused(request, denied.orElse(null));
        }
        String id = request.recordId(standing.identity().orElseThrow().instance());
        SlotRecord record = new SlotRecord(
                new HourKey(
                        standing.codes().size() == 1 ? "" : request.productCode(),
                        request.dimension(),
                        request.hour().getEpochSecond()),
                request.productCode(),
                id,
                Quantity.of(request.quantity()),
                request.allocations());
        long second = now.get().getEpochSecond();
        try {
            Store.join(store.usage(tx -> {
                record.take(tx, request.clientToken(), denied, second);
                return id;
            }));
        } catch (Failure f) {
            throw f.code() == ErrorCode.DENIED ? refused(request, f) : f;
        }
        return Json.object("MeteringRecordId", id);
    }

    private static void checkDimension(MeterUsageRequest request, MeteringPlan.Product product) {
        if (request.dimension().equals(MeteringPlan.UPTIME_DIMENSION)) {
            throw AwsError.client(
                    "InvalidUsageDimensionException", "The agent meters " + request.dimension() + " itself.");
        }
        Optional<MeteringPlan.Dimension> dimension = product.dimension(request.dimension());
        if (dimension.isEmpty()) {
            throw AwsError.client(
                    "InvalidUsageDimensionException",
                    "The product's dimensions are "
                            + product.dimensions().stream()
                                    .map(MeteringPlan.Dimension::key)
                                    .toList()
                            + ".");
        }
        Optional<Quantity> max = dimension.get().max();
        if (max.isPresent() && Quantity.of(request.quantity()).compareTo(max.get()) > 0) {
            throw AwsError.client(
                    "ValidationException",
                    "Value at 'UsageQuantity' must be at most " + max.get() + " in this dimension");
        }
    }

    /** How AWS says it: a dry run always ends in an error, whose name says whether the call would have been allowed. */
    private static AwsError refused(MeterUsageRequest request, @org.jspecify.annotations.Nullable Failure denied) {
        if (denied == null) {
            return AwsError.client(
                    "DryRunOperation", "The request would have succeeded, but DryRun is set; nothing was recorded.");
        }
        return AwsError.client(
                request.dryRun() ? "UnauthorizedException" : "CustomerNotEntitledException",
                denied.detail().strip());
    }
}
