package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.job.Handler;
import io.tallystick.aggregator.job.Job;
import io.tallystick.aggregator.job.Jobs;
import io.vertx.core.Future;

/** An account got another cloud account: it may launch everything the account has subscribed to. */
final class AccountShares implements Handler {
    private final CopyStore copies = new CopyStore();
    private final Jobs jobs;
    private final Database database;

    AccountShares(Jobs jobs, Database database) {
        this.jobs = jobs;
        this.database = database;
    }

    @Override
    public String kind() {
        return Accounts.CLOUD_ACCOUNTS_JOB;
    }

    /** @param job whose key is the account */
    @Override
    public Future<Outcome> run(Job job) {
        return database.transactor()
                .inTx(tx -> jobs.hold(tx, job)
                        .compose(held -> copies.productsOf(tx, job.key()))
                        .compose(products -> {
                            Future<Void> asked = Future.succeededFuture();
                            for (String product : products) {
                                asked = asked.compose(done -> jobs.add(tx, Catalog.SHARES_JOB, product));
                            }
                            return asked;
                        }))
                .map(Outcome.DONE);
    }

    @Override
    public Future<Void> poisoned(Job job, String lastError) {
        return Future.succeededFuture();
    }
}
