package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.wire.JoinCode;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/** Makes, lists and revokes join codes. What they are good for is decided in {@link Joining}. */
public final class Invitations {
    private final Database database;
    private final InvitationStore store = new InvitationStore();
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Invitations(Database database, Audit audit, Ids ids, Clock clock) {
        this.database = database;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /** What a new code is to let in; the caller has checked that the account may say so. */
    public record NewInvitation(
            String account,
            String agreement,
            String product,
            String cloud,
            String cloudAccount,
            int uses,
            Optional<String> description,
            Instant expiresAt) {}

    /** A new invitation with its code, which nobody can be told again. */
    public record Issued(Invitation invitation, String code) {
        /** Without the code. */
        @Override
        public String toString() {
            return "Issued[" + invitation + "]";
        }
    }

    public Future<Issued> create(String actor, NewInvitation wanted) {
        return database.transactor().inTx(tx -> {
            byte[] seed = ids.bytes(Ed25519.KEY_BYTES);
            Invitation made = new Invitation(
                    ids.next("jc"),
                    wanted.account(),
                    wanted.agreement(),
                    wanted.product(),
                    wanted.cloud(),
                    wanted.cloudAccount(),
                    wanted.uses(),
                    wanted.uses(),
                    wanted.description(),
                    Columns.micros(clock.instant()),
                    Columns.micros(wanted.expiresAt()),
                    Optional.empty());
            return store.insert(tx, made, FastEd25519.publicKey(seed), actor)
                    .compose(done -> audit.append(
                            tx, new AuditEvent.Change(actor, "join-code.create", made.id(), null, made.json())))
                    .map(new Issued(made, JoinCode.text(made.id(), seed)));
        });
    }

    /** The caller's codes: all for operators, a buyer's own. */
    public Future<Page<Invitation>> list(Caller caller, PageRequest page) {
        return store.page(database.reads(), page, caller.account()).map(rows -> Page.of(rows, page, Invitation::id));
    }

    /** Lets nobody else in from now on; what it let in before stays. Fails with {@code not-found} for a foreign one. */
    public Future<Invitation> revoke(Caller caller, String id) {
        return database.transactor().inTx(tx -> store.lock(tx, id).compose(found -> {
            Invitation before = found.filter(
                            i -> caller.isOperator() || i.account().equals(caller.accountId()))
                    .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such join code"));
            if (before.revokedAt().isPresent()) {
                return Future.succeededFuture(before);
            }
            Invitation after = before.revoked(Columns.micros(clock.instant()));
            return store.revoke(tx, id, clock.instant())
                    .compose(done -> audit.append(
                            tx,
                            new AuditEvent.Change(caller.actor(), "join-code.revoke", id, before.json(), after.json())))
                    .map(after);
        }));
    }
}
