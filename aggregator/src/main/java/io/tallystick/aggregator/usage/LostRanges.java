package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * Lets an agent go on behind batches that a restored database forgot and that it keeps no longer. Its receipt of the last of
 * them proves that they were stored; what was in them is lost, which is an incident and in the audit log, and never silence.
 */
public final class LostRanges {
    private final LostRangeStore store = new LostRangeStore();
    private final SigningKeys keys;
    private final Incidents incidents;
    private final Clock clock;

    public LostRanges(SigningKeys keys, Incidents incidents, Clock clock) {
        this.keys = keys;
        this.incidents = incidents;
        this.clock = clock;
    }

    /**
     * Moves the watermark, held in this transaction, to the batch of the receipt; answers where it stands then. A receipt of
     * what is there already moves nothing. {@code invalid-request} for one that no key of this aggregator signed.
     */
    Future<Watermark> goOn(SqlConnection tx, EnrollmentId id, Watermark current, String compact) {
        Jws jws;
        Receipt receipt;
        try {
            jws = Jws.parseCompact(compact, Typ.RECEIPT);
            receipt = Receipt.parse(jws.payload());
        } catch (Failure e) {
            return Future.failedFuture(Requests.invalid("receipt", e.detail()));
        }
        Watermark shown = new Watermark(receipt.epoch(), receipt.seq(), receipt.sha256());
        if (!receipt.enrollment().equals(id)) {
            return Future.failedFuture(Requests.invalid("receipt", "is of another enrollment"));
        }
        return keys.byKid(tx, String.valueOf(jws.header().kid()))
                .map(key -> jws.verified(key.key(), FastEd25519.VERIFIER))
                .recover(e -> Future.failedFuture(
                        e instanceof Failure
                                ? Requests.invalid("receipt", "is not signed by a key of this aggregator")
                                : e))
                .compose(own -> shown.isAfter(current)
                        ? lose(
                                        tx,
                                        id,
                                        new LostRange(
                                                id.uuid(), current, shown, compact, Columns.micros(clock.instant())))
                                .map(shown)
                        : Future.succeededFuture(current));
    }

    private Future<Void> lose(SqlConnection tx, EnrollmentId id, LostRange lost) {
        String detail = "the batches after " + LostRange.place(lost.after()) + " up to " + LostRange.place(lost.upTo())
                + " are lost: this database does not have them, and the agent, which shows the receipt of the last,"
                + " keeps them no longer; their usage is not billed";
        return store.insert(tx, lost)
                .compose(done -> incidents.report(tx, Incidents.Kind.LOST, id, LostRange.place(lost.after()), detail))
                .mapEmpty();
    }

    /**
     * Those after {@code after}, in the order of their enrollments.
     *
     * @param account who looks: as owner of VMs and as seller of what runs on them; empty for all
     */
    public Future<List<LostRange.Of>> page(
            SqlClient client, Optional<String> account, LostRange.Position after, int limit) {
        return store.page(client, account, after, limit);
    }

    /** All of an enrollment, oldest first. */
    Future<List<LostRange>> of(SqlClient client, EnrollmentId id) {
        return store.of(client, id);
    }

    /** The first that ends after this place. */
    Future<Optional<LostRange>> next(SqlClient client, EnrollmentId id, Watermark place) {
        return store.next(client, id, place);
    }

    /** Whether this batch is lost; of the last of a range the hash is known, and must be the same. */
    Future<Boolean> reaches(SqlClient client, EnrollmentId id, Watermark mark) {
        return store.reaches(client, id, mark);
    }
}
