package io.tallystick.aggregator.account.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.account.Token;
import io.tallystick.aggregator.account.Tokens;
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

/** {@code /v1/tokens}. */
public final class TokenRoutes {
    private static final int ID_CHARS_MAX = 64;
    private static final int DESCRIPTION_CHARS_MAX = 200;

    private final Tokens tokens;
    private final SqlClient reads;

    public TokenRoutes(Tokens tokens, SqlClient reads) {
        this.tokens = tokens;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/tokens", "createToken").roles(OPERATOR).json().to(Responder.json(201, this::create)),
                Route.get("/v1/tokens", "listTokens").roles(OPERATOR).paged().to(Responder.json(200, this::list)),
                Route.delete("/v1/tokens/{id}", "revokeToken").roles(OPERATOR).to(Responder.json(200, this::revoke)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Tokens.NewToken wanted = new Tokens.NewToken(
                in.parsed("role", Role::ofWire, Role.BILLING),
                in.optionalString("account", ID_CHARS_MAX),
                in.optionalString("description", DESCRIPTION_CHARS_MAX),
                in.optionalInstant("expiresAt"));
        in.done();
        return tokens.create(Requests.caller(ctx).actor(), wanted).map(issued -> {
            Map<String, Object> json = issued.token().json();
            json.put("secret", issued.secret());
            return json;
        });
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return tokens.list(reads, PageRequest.of(ctx)).map(page -> page.json(Token::json));
    }

    private Future<Map<String, Object>> revoke(RoutingContext ctx) {
        return tokens.revoke(Requests.caller(ctx).actor(), Requests.path(ctx, "id"))
                .map(Token::json);
    }
}
