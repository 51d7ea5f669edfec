package io.tallystick.aggregator.account;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.web.Authenticator;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/**
 * Makes, checks and revokes API tokens. A secret is {@code tks_} and 32 random bytes in base64url. It is looked up by its
 * SHA-256, so comparing takes no time that depends on the secret, and a stolen table opens no door; no salt or slow hash
 * is needed for 256 bits of chance.
 */
public final class Tokens implements Authenticator {
    private static final String SECRET_PREFIX = "tks_";
    private static final int SECRET_BYTES = 32;

    private final TokenStore store = new TokenStore();
    private final Accounts accounts;
    private final SqlClient reads;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Tokens(Accounts accounts, SqlClient reads, Transactor transactor, Audit audit, Ids ids, Clock clock) {
        this.accounts = accounts;
        this.reads = reads;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /** What a new token is to be. */
    public record NewToken(
            Role role, Optional<String> accountId, Optional<String> description, Optional<Instant> expiresAt) {}

    /** A new token with its secret, which nobody can be told again. */
    public record Issued(Token token, String secret) {
        /** Without the secret. */
        @Override
        public String toString() {
            return "Issued[" + token + "]";
        }
    }

    public Future<Issued> create(String actor, NewToken wanted) {
        return transactor.inTx(tx -> checkAccount(tx, wanted).compose(ok -> {
            String secret = SECRET_PREFIX + Base64Url.encode(ids.bytes(SECRET_BYTES));
            Token token = new Token(
                    ids.next("tok"),
                    wanted.role(),
                    wanted.accountId(),
                    wanted.description(),
                    Columns.micros(clock.instant()),
                    wanted.expiresAt().map(Columns::micros),
                    Optional.empty());
            return store.insert(tx, token, hash(secret))
                    .compose(done -> audit.append(
                            tx, new AuditEvent.Change(actor, "token.create", token.id(), null, token.json())))
                    .map(new Issued(token, secret));
        }));
    }

    /** A seller's token belongs to a seller's account, a buyer's to a buyer's or a seller's (sellers buy, too). */
    private Future<Void> checkAccount(SqlConnection tx, NewToken wanted) {
        if (wanted.role().hasAccount() != wanted.accountId().isPresent()) {
            return Future.failedFuture(Requests.invalid(
                    "account", wanted.role().hasAccount() ? "is missing for this role" : "is not for this role"));
        }
        if (wanted.expiresAt().isPresent() && !wanted.expiresAt().get().isAfter(clock.instant())) {
            return Future.failedFuture(Requests.invalid("expiresAt", "must be in the future"));
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

    /** Revokes from now on; a token already revoked stays as it is. Fails with {@code not-found}. */
    public Future<Token> revoke(String actor, String id) {
        return transactor.inTx(tx -> store.readForUpdate(tx, id).compose(found -> {
            Token before = found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such token"));
            if (before.revokedAt().isPresent()) {
                return Future.succeededFuture(before);
            }
            Instant now = Columns.micros(clock.instant());
            Token after = new Token(
                    before.id(),
                    before.role(),
                    before.accountId(),
                    before.description(),
                    before.createdAt(),
                    before.expiresAt(),
                    Optional.of(now));
            return store.revoke(tx, id, now)
                    .compose(done -> audit.append(
                            tx, new AuditEvent.Change(actor, "token.revoke", id, before.json(), after.json())))
                    .map(after);
        }));
    }

    public Future<Page<Token>> list(SqlClient db, PageRequest page) {
        return store.readPage(db, page).map(rows -> Page.of(rows, page, Token::id));
    }

    @Override
    public Future<Optional<Caller>> authenticate(String bearerToken) {
        if (!bearerToken.startsWith(SECRET_PREFIX)) {
            return Future.succeededFuture(Optional.empty());
        }
        return store.readLive(reads, hash(bearerToken), clock.instant())
                .map(found -> found.map(
                        t -> new Caller(t.id(), t.role(), t.accountId().orElse(null))));
    }

    private static Hash hash(String secret) {
        return Hash.of(secret.getBytes(StandardCharsets.UTF_8));
    }
}
