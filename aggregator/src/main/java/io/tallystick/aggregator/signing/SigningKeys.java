package io.tallystick.aggregator.signing;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The keys receipts, leases and answers are signed with. The newest key whose time has come signs; keys whose time has
 * not come are published already, so that agents know them {@link #PUBLISHED_BEFORE_USE} before they need them. Safe on
 * any thread; {@link #refresh} picks up keys another replica made.
 */
public final class SigningKeys {
    public static final Duration PUBLISHED_BEFORE_USE = Duration.ofHours(24);

    /** A public key as agents see it. */
    public record Published(String kid, Jwk key) {}

    private record Active(String kid, Instant from, Ed25519.Signer signer) {}

    private record Ring(List<Active> active, List<Published> published) {}

    private final Database database;
    private final SigningKeyStore store = new SigningKeyStore();
    private final KeyWrap wrap;
    private final Ids ids;
    private final Clock clock;
    private volatile Ring ring = new Ring(List.of(), List.of());

    /** A ring that is still empty: {@link #start} before use. */
    public SigningKeys(Database database, byte[] wrappingKey, SecureRandom random, Ids ids, Clock clock) {
        this.database = database;
        this.wrap = new KeyWrap(wrappingKey, random);
        this.ids = ids;
        this.clock = clock;
    }

    /** Loads the keys; makes the first one, active at once because nobody can have pinned another, if there is none. */
    public Future<Void> start() {
        return database.transactor()
                .inTx(tx -> store.lock(tx)
                        .compose(done -> store.all(tx))
                        .compose(keys ->
                                keys.isEmpty() ? insertKey(tx, clock.instant()).mapEmpty() : Future.succeededFuture()))
                .compose(done -> refresh());
    }

    /** Makes the next key, published now and used from {@link #PUBLISHED_BEFORE_USE} on. Answers its kid. */
    public Future<String> rotate() {
        return database.transactor()
                .inTx(tx -> store.lock(tx)
                        .compose(done -> insertKey(tx, clock.instant().plus(PUBLISHED_BEFORE_USE))))
                .compose(kid -> refresh().map(kid));
    }

    /** Reads the keys again. Fails, and keeps the ring it has, if a key cannot be unwrapped. */
    public Future<Void> refresh() {
        return store.all(database.reads()).map(keys -> {
            List<Active> active = new ArrayList<>();
            List<Published> published = new ArrayList<>();
            for (SigningKeyStore.StoredKey key : keys) {
                if (key.retiredAt().isEmpty()) {
                    active.add(new Active(
                            key.kid(), key.activeFrom(), BouncyEd25519.signer(wrap.unwrap(key.kid(), key.wrapped()))));
                    published.add(new Published(key.kid(), Jwk.ofBytes(key.publicKey())));
                }
            }
            ring = new Ring(List.copyOf(active), List.copyOf(published));
            return null;
        });
    }

    /** Signs with the key of the hour. */
    public Jws sign(Typ typ, byte[] payload) {
        Instant now = clock.instant();
        Active signer = null;
        for (Active a : ring.active) {
            if (signer == null || !a.from().isAfter(now)) {
                signer = a;
            }
        }
        if (signer == null) {
            throw new IllegalStateException("no signing key: start() was not called or failed");
        }
        return Jws.sign(Jws.Header.issuer(typ, signer.kid()), payload, signer.signer());
    }

    /** What {@code /.well-known/jwks.json} lists: keys in use and the next ones. */
    public List<Published> published() {
        return ring.published;
    }

    /** Any key there ever was: old bills are verified with retired ones. */
    public Future<Published> byKid(String kid) {
        return store.byKid(database.reads(), kid)
                .map(found -> found.map(k -> new Published(k.kid(), Jwk.ofBytes(k.publicKey())))
                        .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no key " + kid)));
    }

    private Future<String> insertKey(SqlConnection tx, Instant activeFrom) {
        byte[] seed = ids.bytes(Ed25519.KEY_BYTES);
        byte[] publicKey = BouncyEd25519.publicKey(seed);
        String kid = Jwk.ofBytes(publicKey).thumbprint().toString();
        return store.insert(
                        tx,
                        new SigningKeyStore.StoredKey(
                                kid, publicKey, wrap.wrap(kid, seed), clock.instant(), activeFrom, Optional.empty()))
                .map(kid);
    }
}
