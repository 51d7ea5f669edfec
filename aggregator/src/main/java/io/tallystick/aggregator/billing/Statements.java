package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import java.time.YearMonth;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the statements of closed months: buyers their own, sellers those they are owed, under pseudonyms. */
public final class Statements {
    private final Database database;
    private final Accounts accounts;
    private final StatementStore store = new StatementStore();
    private final ChargeStore charges = new ChargeStore();

    public Statements(Database database, Accounts accounts) {
        this.database = database;
        this.accounts = accounts;
    }

    /** What a list is cut down to; empty means all. */
    record Filter(Optional<String> accountId, Optional<String> sellerId, Optional<YearMonth> month) {}

    /**
     * The caller's statements, oldest first.
     *
     * @param account only this buyer's; ignored for those who see but one side
     */
    public Future<Page<Map<String, Object>>> list(
            Caller caller, Optional<String> account, Optional<YearMonth> month, PageRequest page) {
        Filter filter =
                switch (caller.role()) {
                    case BUYER -> new Filter(caller.account(), Optional.empty(), month);
                    case SELLER -> new Filter(Optional.empty(), caller.account(), month);
                    case OPERATOR, BILLING -> new Filter(account, Optional.empty(), month);
                };
        return store.page(database.reads(), page, filter)
                .map(rows -> Page.of(rows, page, Statement::id))
                .compose(found -> caller.role() == Role.SELLER
                        ? pseudonym(caller).map(names -> found.map(s -> s.jsonForSeller(names.of(s.accountId()))))
                        : Future.succeededFuture(found.map(Statement::json)));
    }

    /** A statement with its lines as {@code items}; {@code not-found} where it is not the caller's. */
    public Future<Map<String, Object>> get(Caller caller, String id) {
        return visible(caller, id).compose(statement -> (caller.role() == Role.SELLER
                        ? pseudonym(caller).map(names -> statement.jsonForSeller(names.of(statement.accountId())))
                        : Future.succeededFuture(statement.json()))
                .compose(json -> store.lines(database.reads(), statement).map(lines -> {
                    json.put("items", lines.stream().map(Statement.Line::json).toList());
                    return json;
                })));
    }

    /** The charges that a line adds up, in the order of their numbers. */
    public Future<ChargePull.Page> charges(Caller caller, String id, int line, UsagePull.Cursor after, int limit) {
        return visible(caller, id)
                .map(statement -> {
                    if (line < 1 || line > statement.lines()) {
                        throw notFound("line of this statement");
                    }
                    return statement;
                })
                .compose(statement -> charges.ofStatementLine(database.reads(), id, line, after, limit + 1))
                .map(found -> ChargePull.Page.of(found, after, limit));
    }

    private Future<Statement> visible(Caller caller, String id) {
        return store.read(database.reads(), id)
                .map(found -> found.filter(s -> sees(caller, s)).orElseThrow(() -> notFound("statement")));
    }

    private static boolean sees(Caller caller, Statement statement) {
        return switch (caller.role()) {
            case BUYER -> statement.accountId().equals(caller.accountId());
            case SELLER -> statement.sellerId().equals(caller.accountId());
            case OPERATOR, BILLING -> true;
        };
    }

    private Future<Pseudonym> pseudonym(Caller caller) {
        String seller = caller.account().orElseThrow(() -> notFound("account"));
        return accounts.pseudonyms(database.reads(), List.of(seller))
                .map(all -> Optional.ofNullable(all.get(seller)).orElseThrow(() -> notFound("account")));
    }

    private static Failure notFound(String what) {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such " + what);
    }
}
