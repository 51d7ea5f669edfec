package io.tallystick.aggregator.account.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.CloudAccount;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** {@code /v1/accounts}. */
public final class AccountRoutes {
    private static final int CLOUD_ACCOUNTS_MAX = 100;

    private final Accounts accounts;
    private final SqlClient reads;

    public AccountRoutes(Accounts accounts, SqlClient reads) {
        this.accounts = accounts;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/accounts", "createAccount")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/accounts", "listAccounts")
                        .roles(OPERATOR)
                        .paged()
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/accounts/{id}", "getAccount")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/accounts/{id}/cloud-accounts", "addCloudAccount")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::addCloudAccount)),
                Route.put("/v1/accounts/{id}/contacts", "setContacts")
                        .roles(OPERATOR, SELLER, BUYER)
                        .json()
                        .to(Responder.json(200, this::setContacts)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Account.Kind kind = in.parsed("kind", Account.Kind::ofWire, Account.Kind.BUYER);
        String name = in.string("name", Account.NAME_CHARS_MAX);
        List<CloudAccount> owned = in.optionalObjects("cloudAccounts", CLOUD_ACCOUNTS_MAX).stream()
                .map(CloudAccount::read)
                .toList();
        if (new HashSet<>(owned).size() < owned.size()) {
            in.problem("cloudAccounts", "must not name a cloud account twice");
        }
        in.done();
        return accounts.create(Requests.caller(ctx).actor(), new Accounts.NewAccount(kind, name, owned))
                .map(Account::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return accounts.list(reads, PageRequest.of(ctx)).map(page -> page.json(Account::json));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return accounts.get(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(Account::json);
    }

    private Future<Map<String, Object>> setContacts(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        List<Contact> wanted = in.objects("contacts", Contact.PER_ACCOUNT_MAX).stream()
                .map(Contact::read)
                .toList();
        if (wanted.stream().map(Contact::email).distinct().count() < wanted.size()) {
            in.problem("contacts", "must not name an address twice");
        }
        in.done();
        return accounts.setContacts(Requests.caller(ctx), Requests.path(ctx, "id"), wanted)
                .map(list ->
                        Json.object("contacts", list.stream().map(Contact::json).toList()));
    }

    private Future<Map<String, Object>> addCloudAccount(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        CloudAccount added = CloudAccount.read(in);
        in.done();
        return accounts.addCloudAccount(Requests.caller(ctx).actor(), Requests.path(ctx, "id"), added)
                .map(Account::json);
    }
}
