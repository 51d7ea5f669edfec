package io.tallystick.aggregator.account.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.account.Passwords;
import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/users}: who may sign in to the portal. */
public final class UserRoutes {
    private static final int ID_CHARS_MAX = 64;

    private final Users users;
    private final SqlClient reads;

    public UserRoutes(Users users, SqlClient reads) {
        this.users = users;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/users", "createUser").roles(OPERATOR).json().to(Responder.json(201, this::create)),
                Route.get("/v1/users", "listUsers").roles(OPERATOR).paged().to(Responder.json(200, this::list)),
                Route.post("/v1/users/{id}/disable", "disableUser")
                        .roles(OPERATOR)
                        .to(Responder.json(200, this::disable)),
                Route.put("/v1/users/{id}/password", "setUserPassword")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::setPassword)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Users.NewUser wanted = new Users.NewUser(
                in.parsed("email", User::checkEmail, "nobody@invalid"),
                in.parsed("role", Role::ofWire, Role.BUYER),
                in.optionalString("account", ID_CHARS_MAX),
                password(in));
        in.done();
        return users.create(Requests.caller(ctx).actor(), wanted).map(UserRoutes::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return users.list(reads, PageRequest.of(ctx)).map(page -> page.json(User::json));
    }

    private Future<Map<String, Object>> disable(RoutingContext ctx) {
        return users.disable(Requests.caller(ctx).actor(), Requests.path(ctx, "id"))
                .map(User::json);
    }

    private Future<Map<String, Object>> setPassword(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Optional<String> password = password(in);
        in.done();
        return users.setPassword(Requests.caller(ctx).actor(), Requests.path(ctx, "id"), password)
                .map(UserRoutes::json);
    }

    private static Optional<String> password(Fields in) {
        return in.optionalParsed("password", Passwords::check);
    }

    private static Map<String, Object> json(Users.Issued issued) {
        Map<String, Object> json = issued.user().json();
        issued.generatedPassword().ifPresent(password -> json.put("password", password));
        return json;
    }
}
