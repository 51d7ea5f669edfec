package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.aggregator.signing.KeyWrap;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;

/**
 * Read-only access keys that buyers lend the marketplace, so that it can ask a cloud's API about their VMs. Secrets are
 * wrapped by the key from the configuration and leave this class only for a client of the cloud.
 */
public final class CloudKeys {
    private final Database database;
    private final CloudKeyStore store = new CloudKeyStore();
    private final Accounts accounts;
    private final KeyWrap wrap;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public CloudKeys(Database database, Accounts accounts, KeyWrap wrap, Audit audit, Ids ids, Clock clock) {
        this.database = database;
        this.accounts = accounts;
        this.wrap = wrap;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /** Sets the key of one of the caller's accounts at the cloud, in place of one set before; a foreign one looks missing. */
    public Future<CloudKeyEntry> set(Caller caller, String cloud, String cloudAccount, CloudKey key) {
        return database.transactor().inTx(tx -> accounts.byCloudAccount(tx, cloud, cloudAccount)
                .map(owner -> owner.filter(a -> caller.isOperator() || a.id().equals(caller.accountId()))
                        .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such cloud account")))
                .compose(owner -> accounts.hold(tx, owner.id()))
                .compose(owned -> {
                    CloudKeyEntry entry = new CloudKeyEntry(
                            ids.next("ckey"),
                            cloud,
                            cloudAccount,
                            key.accessKeyId(),
                            caller.actor(),
                            Columns.micros(clock.instant()));
                    byte[] wrapped = wrap.wrap(entry.id(), key.secretKey().getBytes(StandardCharsets.US_ASCII));
                    return store.replace(tx, entry, wrapped)
                            .compose(done -> audit.append(
                                    tx,
                                    new AuditEvent.Change(
                                            caller.actor(), "cloud-key.set", entry.id(), null, entry.json())))
                            .map(entry);
                }));
    }

    public Future<Page<CloudKeyEntry>> list(Caller caller, PageRequest page) {
        return store.page(database.reads(), page, caller.account()).map(rows -> Page.of(rows, page, CloudKeyEntry::id));
    }

    /** Forgets the key; what it confirmed lapses in time. Fails with {@code not-found} for a foreign one. */
    public Future<CloudKeyEntry> delete(Caller caller, String id) {
        return database.transactor().inTx(tx -> store.lock(tx, id).compose(found -> {
            CloudKeyEntry entry = found.filter(
                            k -> caller.isOperator() || k.account().equals(caller.accountId()))
                    .map(CloudKeyStore.Owned::entry)
                    .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such cloud key"));
            return store.delete(tx, id)
                    .compose(done -> audit.append(
                            tx, new AuditEvent.Change(caller.actor(), "cloud-key.delete", id, entry.json(), null)))
                    .map(entry);
        }));
    }

    /** Wraps every secret by the wrapping key that comes first, whichever it was wrapped by. Answers how many. */
    public Future<Integer> rewrap(SqlConnection tx) {
        return store.secrets(tx).compose(secrets -> {
            Future<Void> all = Future.succeededFuture();
            for (Map.Entry<String, byte[]> e : secrets.entrySet()) {
                byte[] wrapped = wrap.wrap(e.getKey(), wrap.unwrap(e.getKey(), e.getValue()));
                all = all.compose(done -> store.rewrap(tx, e.getKey(), wrapped));
            }
            return all.map(secrets.size());
        });
    }

    /** The key of this account at the cloud, where there is one. */
    Future<Optional<CloudKey>> of(SqlClient db, String cloud, String cloudAccount) {
        return store.of(db, cloud, cloudAccount)
                .map(found -> found.map(k -> new CloudKey(
                        k.entry().accessKey(),
                        new String(wrap.unwrap(k.entry().id(), k.secret()), StandardCharsets.US_ASCII))));
    }
}
