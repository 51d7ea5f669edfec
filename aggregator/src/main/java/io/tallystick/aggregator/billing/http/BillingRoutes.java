package io.tallystick.aggregator.billing.http;

import static io.tallystick.aggregator.web.Role.BILLING;
import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.billing.LineFormat;
import io.tallystick.aggregator.billing.UsageLine;
import io.tallystick.aggregator.billing.UsagePull;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/billing}: the pull of booked usage. */
public final class BillingRoutes {
    private static final String NDJSON = "application/x-ndjson";
    private static final String CSV = "text/csv";
    private static final int ID_CHARS_MAX = 64;

    private final UsagePull pull;

    public BillingRoutes(UsagePull pull) {
        this.pull = pull;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/billing/usage", "pullUsage")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query("after", "from", "to", "product", "account", "limit")
                        .to(this::usage),
                Route.get("/v1/billing/runs", "listRuns")
                        .roles(OPERATOR, BILLING)
                        .paged()
                        .to(Responder.json(200, this::runs)));
    }

    private Future<?> usage(RoutingContext ctx) {
        boolean csv = wantsCsv(ctx);
        UsagePull.Query query = new UsagePull.Query(
                Requests.query(ctx, "after", UsagePull.Cursor::parse).orElse(UsagePull.Cursor.START),
                Requests.query(ctx, "from", Fields::parseInstant),
                Requests.query(ctx, "to", Fields::parseInstant),
                Requests.query(ctx, "product", BillingRoutes::id),
                account(ctx),
                Requests.query(ctx, "limit", BillingRoutes::limit).orElse(UsagePull.PAGE_LINES_DEFAULT));
        return pull.page(query).compose(page -> send(ctx.response(), page, csv));
    }

    /** A buyer sees its own lines and may not ask for others': foreign and missing look the same, empty. */
    private static Optional<String> account(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        Optional<String> asked = Requests.query(ctx, "account", BillingRoutes::id);
        if (caller.account().isEmpty()) {
            return asked;
        }
        if (asked.isPresent() && !asked.equals(caller.account())) {
            throw Failure.of(ErrorCode.NOT_FOUND, "account: there is no such account, or not for you");
        }
        return caller.account();
    }

    private static Future<Void> send(HttpServerResponse response, UsagePull.Page page, boolean csv) {
        ByteArrayOutputStream body = new ByteArrayOutputStream(page.lines().size() * 400 + 256);
        if (csv) {
            body.writeBytes(LineFormat.csvHeader());
        }
        for (UsageLine line : page.lines()) {
            body.writeBytes(csv ? LineFormat.csv(line) : LineFormat.ndjson(line));
        }
        byte[] bytes = body.toByteArray();
        return response.putHeader(HttpHeaders.CONTENT_TYPE, csv ? CSV + "; charset=utf-8" : NDJSON)
                .putHeader("Tallystick-Next-After", page.next().toString())
                .putHeader("Tallystick-Page-More", Boolean.toString(page.more()))
                .putHeader(
                        "Tallystick-Page-Count", Integer.toString(page.lines().size()))
                .putHeader("Tallystick-Page-Sha256", Hash.of(bytes).toString())
                .end(Buffer.buffer(bytes));
    }

    private Future<Map<String, Object>> runs(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        long after = Optional.ofNullable(page.after()).map(BillingRoutes::run).orElse(0L);
        return pull.closedThrough()
                .compose(closed -> pull.runs(after, page.limit() + 1).map(rows -> {
                    Map<String, Object> json =
                            Page.of(rows, page, r -> Long.toString(r.run())).json(UsagePull.Run::toJson);
                    closed.ifPresent(c -> json.put("closedThrough", c));
                    return json;
                }));
    }

    private static boolean wantsCsv(RoutingContext ctx) {
        String accept = ctx.request().getHeader(HttpHeaders.ACCEPT);
        if (accept == null) {
            return false;
        }
        String best = ctx.parsedHeaders().accept().stream()
                .map(a -> a.component() + "/" + a.subComponent())
                .filter(t ->
                        List.of(CSV, NDJSON, "*/*", "text/*", "application/*").contains(t))
                .findFirst()
                .orElseThrow(() ->
                        Failure.of(ErrorCode.NOT_ACCEPTABLE, "Accept: this can be had as " + NDJSON + " or " + CSV));
        return best.startsWith("text/");
    }

    private static String id(String text) {
        if (text.isEmpty() || text.length() > ID_CHARS_MAX || !text.matches("[!-~]+")) {
            throw new IllegalArgumentException("must be an id of 1 to " + ID_CHARS_MAX + " characters");
        }
        return text;
    }

    private static int limit(String text) {
        String rule = "must be a whole number from 1 to " + UsagePull.PAGE_LINES_MAX;
        if (!text.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException(rule);
        }
        int limit = Integer.parseInt(text);
        if (limit < 1 || limit > UsagePull.PAGE_LINES_MAX) {
            throw new IllegalArgumentException(rule);
        }
        return limit;
    }

    private static long run(String key) {
        if (!key.matches("[0-9]{1,18}")) {
            throw Requests.invalid(PageRequest.AFTER, "must be the value a page gave as next");
        }
        return Long.parseLong(key);
    }
}
