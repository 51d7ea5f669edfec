package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Who is signed in. A session is 32 random bytes in a cookie; the database knows only their SHA-256. Each sign-in makes
 * a new one, so an id planted in a browser before is worth nothing after.
 */
final class Sessions {
    /** A session nobody uses for this long is over. */
    static final Duration IDLE_MAX = Duration.ofHours(24);
    /** However much it is used. */
    static final Duration LIFE_MAX = Duration.ofDays(7);

    private static final Duration TOUCH_EVERY = Duration.ofMinutes(5);
    private static final int SECRET_BYTES = 32;
    private static final int SECRET_CHARS = 43;

    private final SessionStore store = new SessionStore();
    private final Database database;
    private final Ids ids;
    private final Clock clock;

    Sessions(Database database, Ids ids, Clock clock) {
        this.database = database;
        this.ids = ids;
        this.clock = clock;
    }

    /** Somebody signed in, with the name of their account, if they have one. */
    record SignedIn(User user, Optional<String> accountName) {}

    /** A secret for a cookie. */
    String newSecret() {
        return Base64Url.encode(ids.bytes(SECRET_BYTES));
    }

    /** Whether a cookie's value could be one of ours; what is not is never looked up. */
    static boolean isSecret(String value) {
        return value.length() == SECRET_CHARS && value.matches("[A-Za-z0-9_-]+");
    }

    /** Opens a session, ends the one the browser had, and forgets those that are over anyway; answers its secret. */
    Future<String> open(User user, Optional<String> before) {
        String secret = newSecret();
        return database.transactor()
                .inTx(tx -> {
                    Instant now = Columns.micros(clock.instant());
                    return before.map(b -> store.delete(tx, hash(b)))
                            .orElseGet(Future::succeededFuture)
                            .compose(done -> store.deleteOver(tx, now.minus(IDLE_MAX), now.minus(LIFE_MAX)))
                            .compose(done -> store.insert(tx, hash(secret), user.id(), now));
                })
                .map(secret);
    }

    Future<Optional<SignedIn>> find(String secret) {
        Instant now = Columns.micros(clock.instant());
        Hash hash = hash(secret);
        return store.readLive(database.reads(), hash, now.minus(IDLE_MAX), now.minus(LIFE_MAX))
                .compose(found -> {
                    boolean old = found.isPresent()
                            && found.get().seenAt().plus(TOUCH_EVERY).isBefore(now);
                    return (old ? store.touch(database.reads(), hash, now) : Future.<Void>succeededFuture())
                            .map(done -> found.map(live -> new SignedIn(live.user(), live.accountName())));
                });
    }

    Future<Void> close(String secret) {
        return store.delete(database.reads(), hash(secret));
    }

    private static Hash hash(String secret) {
        return Hash.of(secret.getBytes(StandardCharsets.UTF_8));
    }
}
