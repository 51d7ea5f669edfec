package io.tallystick.aggregator.billing.http;

import io.tallystick.aggregator.billing.ChargeFormat;
import io.tallystick.aggregator.billing.ChargePull;
import io.tallystick.aggregator.billing.UsagePull;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** What the pulls of lines have in common: how they are asked for and how a page is sent. */
final class PullHttp {
    static final String NDJSON = "application/x-ndjson";
    static final String CSV = "text/csv";
    /** The query parameters of a pull. */
    static final String[] PARAMETERS = {"after", "from", "to", "product", "account", "limit"};

    private static final int ID_CHARS_MAX = 64;
    private static final int BYTES_A_LINE = 400;

    private PullHttp() {}

    /** Only where to go on and how far. */
    static UsagePull.Query place(RoutingContext ctx) {
        return new UsagePull.Query(
                Requests.query(ctx, "after", UsagePull.Cursor::parse).orElse(UsagePull.Cursor.START),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Requests.query(ctx, "limit", PullHttp::limit).orElse(UsagePull.PAGE_LINES_DEFAULT));
    }

    /** Charges in the form that Accept asks for. */
    static Future<Void> sendCharges(RoutingContext ctx, ChargePull.Page page) {
        boolean csv = wantsCsv(ctx);
        return send(
                ctx,
                csv ? CSV : NDJSON,
                csv ? ChargeFormat.csvHeader() : new byte[0],
                page.charges(),
                csv ? ChargeFormat::csv : ChargeFormat::ndjson,
                page.next(),
                page.more());
    }

    static UsagePull.Query query(RoutingContext ctx) {
        return new UsagePull.Query(
                Requests.query(ctx, "after", UsagePull.Cursor::parse).orElse(UsagePull.Cursor.START),
                Requests.query(ctx, "from", Fields::parseInstant),
                Requests.query(ctx, "to", Fields::parseInstant),
                Requests.query(ctx, "product", PullHttp::id),
                account(ctx),
                Requests.query(ctx, "limit", PullHttp::limit).orElse(UsagePull.PAGE_LINES_DEFAULT));
    }

    /** A buyer sees its own lines and may not ask for others': foreign and missing look the same, empty. */
    static Optional<String> account(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        Optional<String> asked = Requests.query(ctx, "account", PullHttp::id);
        if (caller.account().isEmpty()) {
            return asked;
        }
        if (asked.isPresent() && !asked.equals(caller.account())) {
            throw Failure.of(ErrorCode.NOT_FOUND, "account: there is no such account, or not for you");
        }
        return caller.account();
    }

    /** A page of lines, with its cursor, count and hash in the headers. */
    static <T> Future<Void> send(
            RoutingContext ctx,
            String mediaType,
            byte[] header,
            List<T> lines,
            Function<T, byte[]> format,
            UsagePull.Cursor next,
            boolean more) {
        ByteArrayOutputStream body = new ByteArrayOutputStream(lines.size() * BYTES_A_LINE + header.length);
        body.writeBytes(header);
        for (T line : lines) {
            body.writeBytes(format.apply(line));
        }
        byte[] bytes = body.toByteArray();
        return ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, mediaType.equals(CSV) ? CSV + "; charset=utf-8" : mediaType)
                .putHeader("Tallystick-Next-After", next.toString())
                .putHeader("Tallystick-Page-More", Boolean.toString(more))
                .putHeader("Tallystick-Page-Count", Integer.toString(lines.size()))
                .putHeader("Tallystick-Page-Sha256", Hash.of(bytes).toString())
                .end(Buffer.buffer(bytes));
    }

    static boolean wantsCsv(RoutingContext ctx) {
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

    static String id(String text) {
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
}
