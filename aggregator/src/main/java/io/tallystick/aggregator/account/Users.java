package io.tallystick.aggregator.account;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Makes and disables users and checks who signs in. Guessing is slowed down twice, by account and by network address,
 * counted in the database so that every process knows; an unknown address costs and answers what a wrong password does.
 */
public final class Users {
    /** Attempts are counted over this long, from the first. */
    public static final Duration THROTTLE_WINDOW = Duration.ofMinutes(15);

    public static final int ATTEMPTS_PER_EMAIL_MAX = 10;
    public static final int ATTEMPTS_PER_ADDRESS_MAX = 100;

    private final UserStore store = new UserStore();
    private final Accounts accounts;
    private final Passwords passwords;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Users(Accounts accounts, Passwords passwords, Transactor transactor, Audit audit, Ids ids, Clock clock) {
        this.accounts = accounts;
        this.passwords = passwords;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * What a new user is to be.
     *
     * @param email in its one spelling, see {@link User#checkEmail}
     * @param password checked by {@link Passwords#check}; generated when empty
     */
    public record NewUser(String email, Role role, Optional<String> accountId, Optional<String> password) {
        /** Without the password. */
        @Override
        public String toString() {
            return "NewUser[" + email + ", " + role + "]";
        }
    }

    /** A user with a password just generated, which nobody can be told again; empty when it was given. */
    public record Issued(User user, Optional<String> generatedPassword) {
        /** Without the password. */
        @Override
        public String toString() {
            return "Issued[" + user + "]";
        }
    }

    public Future<Issued> create(String actor, NewUser wanted) {
        if (wanted.role() == Role.BILLING) {
            return Future.failedFuture(Requests.invalid("role", "must be operator, seller or buyer"));
        }
        String password = wanted.password().orElseGet(passwords::generate);
        return passwords
                .hash(password)
                .compose(hash -> transactor.inTx(tx -> checkAccount(tx, wanted).compose(ok -> {
                    User user = new User(
                            ids.next("usr"),
                            wanted.email(),
                            wanted.role(),
                            wanted.accountId(),
                            Columns.micros(clock.instant()),
                            Optional.empty());
                    return store.insert(tx, user, hash)
                            .compose(done -> audit.append(
                                    tx, new AuditEvent.Change(actor, "user.create", user.id(), null, user.json())))
                            .map(new Issued(
                                    user, wanted.password().isPresent() ? Optional.empty() : Optional.of(password)));
                })));
    }

    /** The same rule as for tokens: sellers belong to a seller's account, buyers to a buyer's or a seller's. */
    private Future<Void> checkAccount(SqlConnection tx, NewUser wanted) {
        if (wanted.role().hasAccount() != wanted.accountId().isPresent()) {
            return Future.failedFuture(Requests.invalid(
                    "account", wanted.role().hasAccount() ? "is missing for this role" : "is not for this role"));
        }
        return wanted.accountId()
                .map(id -> accounts.require(tx, id).<Void>map(account -> {
                    if (wanted.role() == Role.SELLER && account.kind() != Account.Kind.SELLER) {
                        throw Requests.invalid("account", "must be a seller's account for the role seller");
                    }
                    if (account.kind() == Account.Kind.OPERATOR) {
                        throw Requests.invalid("account", "must not be an operator's account");
                    }
                    return null;
                }))
                .orElseGet(Future::succeededFuture);
    }

    public Future<Page<User>> list(SqlClient db, PageRequest page) {
        return store.readPage(db, page).map(rows -> Page.of(rows, page, User::id));
    }

    /** Lets the user in no more, and ends what sessions there are; one disabled already stays as it is. */
    public Future<User> disable(String actor, String id) {
        return transactor.inTx(tx -> require(tx, id).compose(before -> {
            if (before.disabledAt().isPresent()) {
                return Future.succeededFuture(before);
            }
            Instant now = Columns.micros(clock.instant());
            User after = new User(
                    before.id(),
                    before.email(),
                    before.role(),
                    before.accountId(),
                    before.createdAt(),
                    Optional.of(now));
            return store.disable(tx, id, now)
                    .compose(done -> audit.append(
                            tx, new AuditEvent.Change(actor, "user.disable", id, before.json(), after.json())))
                    .map(after);
        }));
    }

    /** Sets a password, or a generated one; sessions that began before are over. */
    public Future<Issued> setPassword(String actor, String id, Optional<String> given) {
        String password = given.orElseGet(passwords::generate);
        return passwords
                .hash(password)
                .compose(hash -> transactor.inTx(tx -> require(tx, id)
                        .compose(user -> store.setPassword(tx, id, hash, Columns.micros(clock.instant()))
                                .compose(done -> audit.append(
                                        tx,
                                        new AuditEvent.Change(
                                                actor, "user.password", id, null, Json.object("email", user.email()))))
                                .map(new Issued(user, given.isPresent() ? Optional.empty() : Optional.of(password))))));
    }

    /**
     * Sets a user's own password if the old one is right; answers whether it was. Attempts count as those to sign in do, and
     * fail with {@code rate-limited} like them. All sessions that began before are over.
     */
    public Future<Boolean> changePassword(String actor, User user, String old, String wanted, String address) {
        return signIn(user.email(), old, address)
                .compose(found -> found.filter(u -> u.id().equals(user.id())).isPresent()
                        ? setPassword(actor, user.id(), Optional.of(wanted)).map(true)
                        : Future.succeededFuture(false));
    }

    private Future<User> require(SqlConnection tx, String id) {
        return store.readForUpdate(tx, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such user")));
    }

    /**
     * The user with this address and password; empty for a wrong pair. Fails with {@code rate-limited} after too many
     * attempts, before any password is looked at.
     *
     * @param email as typed
     * @param address where the request came from
     */
    public Future<Optional<User>> signIn(String email, String password, String address) {
        String key = User.normalize(email);
        Hash byEmail = subject("email", key);
        return transactor
                .inTx(tx -> {
                    Instant now = clock.instant();
                    Instant windowStart = now.minus(THROTTLE_WINDOW);
                    // In this order everywhere, so that two attempts never wait for each other's row.
                    return store.countAttempt(tx, subject("address", address), now, windowStart)
                            .compose(a -> store.countAttempt(tx, byEmail, now, windowStart)
                                    .map(e -> checkAttempts(a, e, now)));
                })
                .map(allowed -> {
                    allowed.ifPresent(refusal -> {
                        throw refusal;
                    });
                    return key;
                })
                .compose(k -> transactor.inTx(tx -> store.readByEmail(tx, k)))
                .compose(found -> found.map(c -> passwords.matches(password, c.passwordHash()))
                        .orElseGet(() -> passwords.matchesNobody(password))
                        .map(matches -> found.filter(c -> matches).map(UserStore.Credentials::user)))
                .compose(user -> user.isEmpty() ? Future.succeededFuture(user) : welcome(user, byEmail));
    }

    private Future<Optional<User>> welcome(Optional<User> user, Hash byEmail) {
        return transactor
                .inTx(tx -> store.forgetAttempts(tx, byEmail)
                        .compose(done ->
                                store.forgetOldAttempts(tx, clock.instant().minus(THROTTLE_WINDOW))))
                .map(user);
    }

    /** A value, not a throw: a throw would roll the count back. */
    private static Optional<Failure> checkAttempts(UserStore.Attempts address, UserStore.Attempts email, Instant now) {
        UserStore.Attempts over = email.count() > ATTEMPTS_PER_EMAIL_MAX ? email : address;
        if (email.count() <= ATTEMPTS_PER_EMAIL_MAX && address.count() <= ATTEMPTS_PER_ADDRESS_MAX) {
            return Optional.empty();
        }
        long seconds = Math.max(
                1, Duration.between(now, over.since().plus(THROTTLE_WINDOW)).toSeconds());
        return Optional.of(Failure.of(ErrorCode.RATE_LIMITED, "too many attempts to sign in")
                .with(Problems.RETRY_AFTER, seconds));
    }

    private static Hash subject(String kind, String text) {
        return Hash.of((kind + ":" + text).getBytes(StandardCharsets.UTF_8));
    }
}
