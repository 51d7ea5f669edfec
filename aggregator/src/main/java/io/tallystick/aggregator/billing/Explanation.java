package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.usage.Evidence;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a charge rests on: the lines of its usage hour up to its own, and the signed batches received until its run was
 * finished. What the batches say adds up to what the lines do, less what was received while the run was being written.
 */
public final class Explanation {
    private final Database database;
    private final Evidence evidence;
    private final ExplanationStore store = new ExplanationStore();

    public Explanation(Database database, Evidence evidence) {
        this.database = database;
        this.evidence = evidence;
    }

    /** A page of the batches behind a usage line or charge, beside the lines; {@code not-found} if it is not the caller's. */
    public Future<Map<String, Object>> of(Caller caller, UsagePull.Cursor line, Evidence.Place after) {
        return store.line(database.reads(), line)
                .map(found -> found.filter(
                                l -> caller.account().map(l.accountId()::equals).orElse(true))
                        .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such usage line")))
                .compose(booked -> store.linesUpTo(database.reads(), line)
                        .compose(lines -> evidence.of(booked.hour(), booked.finishedAt(), after)
                                .map(page -> Json.object(
                                        "enrollment", booked.hour().enrollment(),
                                        "hour", booked.hour().hour(),
                                        "productCode", booked.hour().productCode(),
                                        "dimension", booked.hour().dimension(),
                                        "lines", lines,
                                        "batches",
                                                page.contributions().stream()
                                                        .map(Evidence.Contribution::json)
                                                        .toList(),
                                        "archives", archives(page, caller),
                                        "next",
                                                page.next()
                                                        .map(Evidence.Place::toString)
                                                        .orElse(null)))));
    }

    private static @Nullable Object archives(Evidence.Page page, Caller caller) {
        return page.archives().isEmpty()
                ? null
                : page.archives().stream()
                        .map(archive -> archive.json(caller.account().isEmpty()))
                        .toList();
    }
}
