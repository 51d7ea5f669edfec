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
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The keys receipts, leases and answers are signed with. The newest key whose time has come signs; keys whose time has
 * not come are published already, so that agents know them {@link #PUBLISHED_BEFORE_USE} before they need them. Safe on
 * any thread; {@link #refresh} picks up keys another replica made.
 */
public final class SigningKeys {
    public static final Duration PUBLISHED_BEFORE_USE = Duration.ofHours(24);

    /** The longest lease, and what clocks may differ by. */
    public static final Duration RETIRED_AFTER = Duration.ofHours(25);

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
    public SigningKeys(Database database, KeyWrap wrap, Ids ids, Clock clock) {
        this.database = database;
        this.wrap = wrap;
        this.ids = ids;
        this.clock = clock;
    }

    /** Loads the keys; makes the first one, active at once because nobody can have pinned another, if there is none. */
    public Future<Void> start() {
        return database.transactor()
                .inTx(tx -> store.lock(tx)
                        .compose(done -> store.all(tx))
                        .compose(
                                keys -> keys.stream().noneMatch(k -> k.wrapped().isPresent())
                                        ? insertKey(tx, clock.instant()).mapEmpty()
                                        : Future.succeededFuture()))
                .compose(done -> refresh());
    }

    /** Makes the next key, published now and used from {@link #PUBLISHED_BEFORE_USE} on. Answers its kid. */
    public Future<String> rotate() {
        return database.transactor().inTx(tx -> rotate(tx, false)).compose(kid -> refresh()
                .map(kid));
    }

    /**
     * As above, on the caller's transaction. Processes pick it up at their next {@link #refresh}.
     *
     * @param atOnce for a key that leaked: used by each process as soon as it knows it. Who keeps the list of published
     *     keys for longer cannot verify what it signs until asking again
     */
    public Future<String> rotate(SqlConnection tx, boolean atOnce) {
        Instant now = clock.instant();
        return store.lock(tx).compose(done -> insertKey(tx, atOnce ? now : now.plus(PUBLISHED_BEFORE_USE)));
    }

    /**
     * Takes a key off the published list and out of use; {@link #byKid} knows it for ever. Refused with {@code conflict}
     * while no other key signs, and until the last lease it may have signed has ended.
     *
     * @param atOnce for a key that leaked: what it signed no longer verifies for whoever reads the published list
     */
    public Future<Void> retire(SqlConnection tx, String kid, boolean atOnce) {
        Instant now = clock.instant();
        return store.lock(tx).compose(done -> store.all(tx)).compose(keys -> {
            SigningKeyStore.StoredKey key = keys.stream()
                    .filter(k -> k.kid().equals(kid))
                    .findFirst()
                    .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no key " + kid));
            if (key.retiredAt().isPresent()) {
                return Future.succeededFuture();
            }
            Optional<Instant> unused = keys.stream()
                    .filter(k -> k.retiredAt().isEmpty() && !k.kid().equals(kid))
                    .map(SigningKeyStore.StoredKey::activeFrom)
                    .filter(from -> !from.isAfter(now) && !from.isBefore(key.activeFrom()))
                    .min(Comparator.naturalOrder());
            boolean never = key.activeFrom().isAfter(now);
            if (!never && unused.isEmpty()) {
                throw Failure.of(ErrorCode.CONFLICT, "key " + kid + " is the one that signs: rotate first");
            }
            Instant free = unused.map(since -> since.plus(RETIRED_AFTER)).orElse(now);
            if (!never && !atOnce && free.isAfter(now)) {
                throw Failure.of(ErrorCode.CONFLICT, "leases that key " + kid + " signed are in use until " + free);
            }
            return store.retire(tx, kid, now);
        });
    }

    /**
     * Takes in public keys that a restored database forgot, as retired ones: what they signed verifies again, with {@link
     * #byKid}, and they sign nothing. Answers the ids of those that were not known.
     */
    public Future<List<String>> remember(SqlConnection tx, List<Published> forgotten) {
        Instant now = clock.instant();
        return store.lock(tx).compose(done -> store.all(tx)).compose(keys -> {
            Set<String> known = new HashSet<>();
            keys.forEach(key -> known.add(key.kid()));
            List<String> remembered = new ArrayList<>();
            Future<Void> all = Future.succeededFuture();
            for (Published key : forgotten) {
                if (known.add(key.kid())) {
                    remembered.add(key.kid());
                    all = all.compose(done -> store.insert(
                            tx,
                            new SigningKeyStore.StoredKey(
                                    key.kid(), key.key().bytes(), Optional.empty(), now, now, Optional.of(now))));
                }
            }
            return all.map(remembered);
        });
    }

    /** Wraps every private key by the wrapping key that comes first, whichever it was wrapped by. Answers how many. */
    public Future<Integer> rewrap(SqlConnection tx) {
        return store.lock(tx).compose(done -> store.all(tx)).compose(keys -> {
            Future<Void> all = Future.succeededFuture();
            int wrapped = 0;
            for (SigningKeyStore.StoredKey key : keys) {
                if (key.wrapped().isPresent()) {
                    byte[] again = wrap.wrap(
                            key.kid(), wrap.unwrap(key.kid(), key.wrapped().get()));
                    all = all.compose(done -> store.rewrap(tx, key.kid(), again));
                    wrapped++;
                }
            }
            return all.map(wrapped);
        });
    }

    /** Reads the keys again. Fails, and keeps the ring it has, if a key cannot be unwrapped. */
    public Future<Void> refresh() {
        return store.all(database.reads()).map(keys -> {
            List<Active> active = new ArrayList<>();
            List<Published> published = new ArrayList<>();
            for (SigningKeyStore.StoredKey key : keys) {
                if (key.retiredAt().isEmpty() && key.wrapped().isPresent()) {
                    byte[] seed = wrap.unwrap(key.kid(), key.wrapped().get());
                    active.add(new Active(key.kid(), key.activeFrom(), FastEd25519.signer(seed)));
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
        return byKid(database.reads(), kid);
    }

    /** As above, in a transaction of the caller's. */
    public Future<Published> byKid(SqlClient client, String kid) {
        return store.byKid(client, kid).map(found -> found.map(k -> new Published(k.kid(), Jwk.ofBytes(k.publicKey())))
                .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such key")));
    }

    private Future<String> insertKey(SqlConnection tx, Instant activeFrom) {
        byte[] seed;
        byte[] publicKey;
        String kid;
        do {
            seed = ids.bytes(Ed25519.KEY_BYTES);
            publicKey = FastEd25519.publicKey(seed);
            kid = Jwk.ofBytes(publicKey).thumbprint().toString();
            // Operators give the id to keys retire, where one that begins with a hyphen, as one in 64 does, is an
            // option.
        } while (kid.startsWith("-"));
        return store.insert(
                        tx,
                        new SigningKeyStore.StoredKey(
                                kid,
                                publicKey,
                                Optional.of(wrap.wrap(kid, seed)),
                                clock.instant(),
                                activeFrom,
                                Optional.empty()))
                .map(kid);
    }
}
