package io.tallystick.aggregator.awsapi;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.signing.KeyWrap;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.sqlclient.SqlConnection;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.List;

/**
 * Answers {@code RegisterUsage} for agents, and keeps the keys of products its answers are signed with. A product has no
 * key until its seller makes one. Signing and making keys is off the event loops and {@value #AT_ONCE} at a time.
 */
public final class Registrations {
    private static final int AT_ONCE = 2;

    private final Database database;
    private final Entitlements entitlements;
    private final Catalog catalog;
    private final SigningKeys keys;
    private final KeyWrap wrap;
    private final Audit audit;
    private final SecureRandom random;
    private final Clock clock;
    private final WorkerExecutor workers;
    private final RegistrationKeyStore store = new RegistrationKeyStore();

    public Registrations(
            Vertx vertx,
            Database database,
            Entitlements entitlements,
            Catalog catalog,
            SigningKeys keys,
            KeyWrap wrap,
            Audit audit,
            SecureRandom random,
            Clock clock) {
        this.database = database;
        this.entitlements = entitlements;
        this.catalog = catalog;
        this.keys = keys;
        this.wrap = wrap;
        this.audit = audit;
        this.random = random;
        this.clock = clock;
        this.workers = vertx.createSharedWorkerExecutor("registrations", AT_ONCE);
    }

    /** Takes a {@code registration+jws}; answers an {@code answer+jws}. Fails with the reason an instance is denied. */
    public Future<Jws> register(EnrollmentId id, byte[] body) {
        Jws jws = Jws.parseFlattened(body, Typ.REGISTRATION);
        return entitlements
                .decide(id, jws, Wire.registrationsPath(id.toString()), () -> Registration.Request.parse(jws.payload())
                        .product())
                .compose(decision -> {
                    if (decision.outcome() == Decision.Outcome.DENY) {
                        throw denied(decision);
                    }
                    Registration.Request request = Registration.Request.parse(jws.payload());
                    return store.byCode(database.reads(), request.product(), request.publicKeyVersion())
                            .map(found -> found.orElseThrow(() -> unknownVersion(request)))
                            .compose(key -> sign(key, request)
                                    .map(jwt -> new Registration.Answer(
                                            jws.hash().toString(),
                                            jwt,
                                            key.key().rotatedAt())));
                })
                .map(answer -> keys.sign(Typ.ANSWER, answer.toBytes()));
    }

    private Future<String> sign(RegistrationKeyStore.Stored key, Registration.Request request) {
        Instant now = clock.instant();
        return workers.executeBlocking(
                () -> RegistrationJwt.sign(wrap.unwrap(key.kid(), key.wrapped()), request, now), false);
    }

    private static Failure denied(Decision d) {
        return Failure.of(ErrorCode.DENIED, d.sentence().orElse("This instance is not entitled to the product."))
                .with("reason", d.code().orElse(ErrorCode.DENIED.wire()))
                .with("remedy", d.remedy().orElse(""));
    }

    private static Failure unknownVersion(Registration.Request request) {
        return Failure.of(
                ErrorCode.UNKNOWN_KEY_VERSION,
                "product code " + request.product() + " has no registration key of version "
                        + request.publicKeyVersion());
    }

    /** The versions of a product's key, newest first; for those who manage the product. */
    public Future<List<RegistrationKey>> list(Caller caller, String productId) {
        return catalog.managed(database.reads(), caller, productId)
                .compose(product -> store.ofProduct(database.reads(), product.id()))
                .map(stored ->
                        stored.stream().map(RegistrationKeyStore.Stored::key).toList());
    }

    /** Makes the next version. The one before goes on signing for software that asks for it, and its answers say when. */
    public Future<RegistrationKey> rotate(Caller caller, String productId) {
        return catalog.managed(database.reads(), caller, productId)
                .compose(seen -> workers.executeBlocking(() -> RegistrationJwt.makeKey(random), false))
                .compose(pair -> database.transactor().inTx(tx -> catalog.lockManaged(tx, caller, productId)
                        .compose(product -> store.ofProduct(tx, product.id()))
                        .compose(before -> {
                            int version = before.isEmpty()
                                    ? Registration.VERSION_MIN
                                    : before.get(0).key().version() + 1;
                            return insert(tx, caller, productId, version, pair);
                        })));
    }

    /** Wraps every private key by the wrapping key that comes first, whichever it was wrapped by. Answers how many. */
    public Future<Integer> rewrap(SqlConnection tx) {
        return store.all(tx).compose(keys -> {
            Future<Void> all = Future.succeededFuture();
            for (RegistrationKeyStore.Stored key : keys) {
                byte[] wrapped = wrap.wrap(key.kid(), wrap.unwrap(key.kid(), key.wrapped()));
                all = all.compose(done -> store.rewrap(tx, key.key(), wrapped));
            }
            return all.map(keys.size());
        });
    }

    private Future<RegistrationKey> insert(
            SqlConnection tx, Caller caller, String productId, int version, KeyPair pair) {
        Instant now = Columns.micros(clock.instant());
        byte[] publicKey = pair.getPublic().getEncoded();
        byte[] wrapped = wrap.wrap(
                RegistrationKeyStore.Stored.kid(productId, version),
                pair.getPrivate().getEncoded());
        RegistrationKey key = new RegistrationKey(
                productId, version, RegistrationKey.pem(publicKey), now, java.util.Optional.empty());
        return store.insert(tx, productId, version, publicKey, wrapped, now)
                .compose(done -> audit.append(
                        tx,
                        new AuditEvent.Change(
                                caller.actor(),
                                "product.registration-key",
                                productId,
                                null,
                                Json.object("version", version))))
                .map(key);
    }
}
