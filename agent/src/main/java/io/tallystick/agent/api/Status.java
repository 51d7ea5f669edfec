package io.tallystick.agent.api;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.agent.metadata.Identity;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.Tx;
import io.tallystick.agent.store.Unclaimed;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** What {@code GET /v1/status} says: everything somebody in front of a VM wants to know, nothing secret. */
public final class Status {
    private static final int QUARANTINE_SHOWN = 100;

    private final Store store;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final Supplier<Optional<String>> held;
    private final Supplier<Optional<Instant>> flushedAt;
    private final Function<String, Optional<String>> remainder;
    private final Supplier<Hash> agentKey;
    private final String version;

    /** The queue as metrics and status show it; {@code oldestCutMillis} zero where nothing is unsent. */
    public record Queue(long pendingSums, long unsentBatches, long oldestCutMillis, long quarantined) {}

    /**
     * @param flushedAt when what was pending was last put into batches
     * @param remainder what became of the usage in a file set aside
     */
    public Status(
            Store store,
            TrustedTime time,
            TimeSource source,
            Board board,
            Supplier<Optional<String>> held,
            Supplier<Optional<Instant>> flushedAt,
            Function<String, Optional<String>> remainder,
            Supplier<Hash> agentKey,
            String version) {
        this.store = store;
        this.time = time;
        this.source = source;
        this.board = board;
        this.held = held;
        this.flushedAt = flushedAt;
        this.remainder = remainder;
        this.agentKey = agentKey;
        this.version = version;
    }

    /** Reads the queue; waits for the store. */
    public Queue queue() {
        return store.call(Status::queue);
    }

    /** Seconds the oldest unsent batch has waited, zero where none does. */
    public double oldestUnsentSeconds(Queue q) {
        return q.oldestCutMillis() == 0
                ? 0
                : Math.max(0, time.nowOrWall().toEpochMilli() - q.oldestCutMillis()) / 1000.0;
    }

    private static Queue queue(Tx tx) throws SQLException {
        return new Queue(
                tx.number("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM slot_pending)"),
                tx.number("SELECT count(*) FROM batch WHERE acked IS NULL"),
                tx.number("SELECT coalesce(min(cut), 0) FROM batch WHERE acked IS NULL"),
                tx.number("SELECT count(*) FROM quarantine"));
    }

    private record FromStore(Queue queue, long unclaimed, String chain, List<Object> quarantined) {}

    /** The whole document. */
    public Map<String, Object> document() {
        Standing s = board.standing();
        Optional<Instant> now = time.now();
        // Before the queue is read, so that who sees a flush sees its batches.
        Optional<Instant> flushed = flushedAt.get();
        FromStore kept = store.call(tx ->
                new FromStore(queue(tx), Unclaimed.count(tx), tx.meta("chain").orElse("1 0 -"), quarantined(tx)));
        List<Object> products = new ArrayList<>();
        for (String code : s.codes()) {
            products.add(product(s.verdict(Optional.of(code), now), now));
        }
        List<Object> notes = new ArrayList<>();
        board.notes().forEach(n -> notes.add(Json.object("at", n.at(), "where", n.where(), "what", n.what())));
        String[] chain = kept.chain().split(" ", 3);
        Queue q = kept.queue();
        return Json.object(
                "state",
                s.state(now).name(),
                "version",
                version,
                "instance",
                s.identity().map(Status::instance).orElse(null),
                "agentKey",
                agentKey.get(),
                "enrollment",
                s.enrollment().orElse(null),
                "online",
                s.online(),
                "products",
                products,
                "queue",
                Json.object(
                        "pendingSums",
                        q.pendingSums(),
                        "unsentBatches",
                        q.unsentBatches(),
                        "oldestUnsentSeconds",
                        (long) oldestUnsentSeconds(q),
                        "flushedAt",
                        flushed.orElse(null),
                        "unclaimed",
                        kept.unclaimed(),
                        "held",
                        held.get().orElse(null)),
                "lastBatch",
                Json.object("epoch", Long.parseLong(chain[0]), "seq", Long.parseLong(chain[1])),
                "quarantine",
                Json.object("count", q.quarantined(), "records", kept.quarantined()),
                "setAside",
                store.folder().setAside().stream().map(this::aside).toList(),
                "storage",
                Json.object("healthy", store.healthy(), "refusedFull", store.fullCount()),
                "time",
                Json.object(
                        "trusted",
                        now.orElse(null),
                        "wall",
                        source.wall(),
                        "wallOffsetSeconds",
                        now.map(n -> Duration.between(n, source.wall()).toSeconds())
                                .orElse(null)),
                "lastError",
                notes.isEmpty() ? null : notes.get(0),
                "notes",
                notes);
    }

    private Object aside(String file) {
        return Json.object("file", file, "usage", remainder.apply(file).orElse("not looked at yet"));
    }

    private static Object instance(Identity i) {
        return Json.object(
                "cloud", i.cloud(), "account", i.account().isEmpty() ? null : i.account(), "id", i.instance());
    }

    private static Object product(Verdict v, Optional<Instant> now) {
        Long left = v.expiresAt().isPresent() && now.isPresent()
                ? Duration.between(now.get(), v.expiresAt().get()).toSeconds()
                : null;
        return Json.object(
                "product",
                v.product().orElse(null),
                "state",
                v.state().name(),
                "decision",
                EntitlementView.word(v),
                "grace",
                v.grace() ? true : null,
                "code",
                v.code().orElse(null),
                "sentence",
                v.sentence().orElse(null),
                "remedy",
                v.remedy().orElse(null),
                "thumbprint",
                v.thumbprint().orElse(null),
                "expiresAt",
                v.expiresAt().orElse(null),
                "secondsLeft",
                left);
    }

    private static List<Object> quarantined(Tx tx) throws SQLException {
        return tx.list(
                "SELECT epoch, seq, idx, code, detail, record, at FROM quarantine ORDER BY at DESC, epoch DESC, seq"
                        + " DESC, idx LIMIT " + QUARANTINE_SHOWN,
                r -> Json.object(
                        "epoch",
                        r.getLong(1),
                        "seq",
                        r.getLong(2),
                        "index",
                        r.getLong(3),
                        "code",
                        r.getString(4),
                        "detail",
                        r.getString(5),
                        "record",
                        Json.parse(r.getString(6)),
                        "at",
                        Instant.ofEpochMilli(r.getLong(7))));
    }
}
