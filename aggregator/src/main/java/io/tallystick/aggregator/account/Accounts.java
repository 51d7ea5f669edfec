package io.tallystick.aggregator.account;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes and finds accounts. Methods that take a client may be used inside another feature's transaction. */
public final class Accounts {
    /** Asked for when an account gets a cloud account: it may launch what the account has subscribed to. */
    public static final String CLOUD_ACCOUNTS_JOB = "account-shares";

    private final AccountStore store = new AccountStore();
    private final ContactStore contacts = new ContactStore();
    private final Transactor transactor;
    private final Audit audit;
    private final Jobs jobs;
    private final Ids ids;
    private final Clock clock;

    public Accounts(Transactor transactor, Audit audit, Jobs jobs, Ids ids, Clock clock) {
        this.transactor = transactor;
        this.audit = audit;
        this.jobs = jobs;
        this.ids = ids;
        this.clock = clock;
    }

    /** What a new account is to be. */
    public record NewAccount(Account.Kind kind, String name, List<CloudAccount> cloudAccounts) {}

    public Future<Account> create(String actor, NewAccount wanted) {
        return transactor.inTx(tx -> {
            Instant now = Columns.micros(clock.instant());
            Account account = new Account(
                    ids.next("acc"),
                    wanted.kind(),
                    wanted.name(),
                    now,
                    wanted.cloudAccounts().stream().sorted().toList());
            Optional<byte[]> pseudonymKey = wanted.kind() == Account.Kind.SELLER
                    ? Optional.of(ids.bytes(Pseudonym.KEY_BYTES))
                    : Optional.empty();
            return store.insert(tx, account, pseudonymKey)
                    .compose(done -> store.insertCloudAccounts(tx, account.id(), account.cloudAccounts(), now))
                    .compose(done -> record(tx, actor, "account.create", Optional.empty(), account))
                    .map(account);
        });
    }

    /** Adds a cloud account to the ones this account owns; one owned by any account already is refused. */
    public Future<Account> addCloudAccount(String actor, String id, CloudAccount added) {
        return transactor.inTx(tx -> store.lock(tx, id)
                .compose(there -> require(tx, id))
                .compose(before -> addTo(tx, actor, before, added)));
    }

    private Future<Account> addTo(SqlConnection tx, String actor, Account before, CloudAccount added) {
        List<CloudAccount> all = new ArrayList<>(before.cloudAccounts());
        all.add(added);
        Account after = new Account(
                before.id(),
                before.kind(),
                before.name(),
                before.createdAt(),
                all.stream().sorted().toList());
        return store.insertCloudAccounts(tx, before.id(), List.of(added), clock.instant())
                .compose(done -> jobs.add(tx, CLOUD_ACCOUNTS_JOB, before.id()))
                .compose(done -> record(tx, actor, "account.cloud-account.add", Optional.of(before), after))
                .map(after);
    }

    /**
     * Replaces whom to write to about an account's business; answers the new list, by address. The audit log says that and
     * how many, not who: addresses are personal, and it never forgets.
     */
    public Future<List<Contact>> setContacts(Caller caller, String id, List<Contact> wanted) {
        if (!caller.isOperator() && !id.equals(caller.accountId())) {
            return Future.failedFuture(notFound());
        }
        return transactor.inTx(tx -> store.lock(tx, id).compose(there -> {
            if (!there) {
                throw notFound();
            }
            return contacts.read(tx, List.of(id))
                    .compose(before -> contacts.replace(tx, id, wanted, clock.instant())
                            .compose(done -> audit.append(
                                    tx,
                                    new AuditEvent.Change(
                                            caller.actor(),
                                            "account.contacts",
                                            id,
                                            Json.object("contacts", before.size()),
                                            Json.object("contacts", wanted.size())))))
                    .compose(done -> contacts.read(tx, List.of(id)));
        }));
    }

    /** Whom to write to about these accounts, each address once, by address. */
    public Future<List<Contact>> contacts(SqlClient db, Collection<String> accountIds) {
        return accountIds.isEmpty() ? Future.succeededFuture(List.of()) : contacts.read(db, accountIds);
    }

    private Future<Void> record(
            SqlConnection tx, String actor, String action, Optional<Account> before, Account after) {
        return audit.append(
                tx,
                new AuditEvent.Change(
                        actor, action, after.id(), before.map(Account::json).orElse(null), after.json()));
    }

    /** An account the caller may see: any for operators, their own for sellers and buyers. Else {@code not-found}. */
    public Future<Account> get(SqlClient db, Caller caller, String id) {
        boolean allowed = caller.isOperator() || id.equals(caller.accountId());
        return allowed ? require(db, id) : Future.failedFuture(notFound());
    }

    /** The account, with its changes lined up behind the caller's transaction; fails with {@code not-found}. */
    public Future<Account> hold(SqlConnection tx, String id) {
        return store.lock(tx, id).compose(there -> require(tx, id));
    }

    public Future<Page<Account>> list(SqlClient db, PageRequest page) {
        return store.readPage(db, page).map(rows -> Page.of(rows, page, Account::id));
    }

    /** The account with this id; fails with {@code not-found}. */
    public Future<Account> require(SqlClient db, String id) {
        return store.read(db, id).map(found -> found.orElseThrow(Accounts::notFound));
    }

    /** Those of these accounts that exist, in no particular order. */
    public Future<List<Account>> byIds(SqlClient db, Collection<String> accountIds) {
        return accountIds.isEmpty() ? Future.succeededFuture(List.of()) : store.readAll(db, accountIds);
    }

    /** The account that owns an account at a cloud. */
    public Future<Optional<Account>> byCloudAccount(SqlClient db, String cloud, String cloudAccountId) {
        return store.readByCloud(db, cloud, cloudAccountId);
    }

    /** How each of these sellers sees its buyers. Ids that are no seller's are left out. */
    public Future<Map<String, Pseudonym>> pseudonyms(SqlClient db, Collection<String> sellerIds) {
        return store.readPseudonymKeys(db, sellerIds).map(keys -> keys.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, e -> new Pseudonym(e.getValue()))));
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such account");
    }
}
