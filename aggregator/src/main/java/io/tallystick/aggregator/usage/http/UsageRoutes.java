package io.tallystick.aggregator.usage.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.usage.UsageReport;
import io.tallystick.aggregator.usage.UsageReport.Bucket;
import io.tallystick.aggregator.usage.UsageReport.Part;
import io.tallystick.aggregator.usage.UsageReport.Row;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** {@code GET /v1/usage}: sums over usage as it stands, for sellers, buyers and operators. */
public final class UsageRoutes {
    private static final String[] PARAMETERS = {
        "from", "to", "window", "timezone", "groupBy", "product", "dimension", "customer", "version", "image"
    };

    private final UsageReport report;

    public UsageRoutes(UsageReport report) {
        this.report = report;
    }

    public List<Route> routes() {
        return List.of(Route.get("/v1/usage", "getUsage")
                .roles(OPERATOR, SELLER, BUYER)
                .paged()
                .query(PARAMETERS)
                .to(Responder.json(200, this::usage)));
    }

    private Future<Map<String, Object>> usage(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        UsageReport.Query query = query(ctx, caller);
        PageRequest page = PageRequest.of(ctx);
        return report.read(caller, query).map(rows -> {
            Map<String, Object> json = Json.object(
                    "from",
                    query.from(),
                    "to",
                    query.to(),
                    "window",
                    query.bucket().wire(),
                    "timezone",
                    query.zone().equals(ZoneOffset.UTC) ? "UTC" : query.zone().getId());
            json.putAll(page(rows, page).json(row -> json(row, query.parts())));
            return json;
        });
    }

    /** Every problem at once. */
    private static UsageReport.Query query(RoutingContext ctx, Caller caller) {
        Parameters in = new Parameters(ctx);
        Instant from = in.required("from", UsageRoutes::hour).orElse(Instant.EPOCH);
        Instant to = in.required("to", UsageRoutes::hour).orElse(Instant.EPOCH);
        Bucket window = in.optional("window", Bucket::ofWire).orElse(Bucket.DAY);
        ZoneId zone = in.optional("timezone", UsageReport::zone).orElse(ZoneOffset.UTC);
        Set<Part> parts = in.optional("groupBy", text -> parts(text, caller)).orElse(Set.of());
        UsageReport.Query query = new UsageReport.Query(
                from,
                to,
                window,
                zone,
                parts,
                in.optional("product", UsageRoutes::text),
                in.optional("dimension", UsageRoutes::text),
                in.optional("customer", UsageRoutes::text),
                in.optional("version", UsageRoutes::text),
                in.optional("image", UsageRoutes::text));
        in.done();
        return query;
    }

    private static Instant hour(String text) {
        Instant at = Fields.parseInstant(text);
        if (!at.equals(at.truncatedTo(ChronoUnit.HOURS))) {
            throw new IllegalArgumentException("must be a whole hour, since usage is kept by the hour of UTC");
        }
        if (at.isBefore(UsageReport.EARLIEST) || at.isAfter(UsageReport.LATEST)) {
            throw new IllegalArgumentException(
                    "must be between " + UsageReport.EARLIEST + " and " + UsageReport.LATEST);
        }
        return at;
    }

    private static String text(String text) {
        if (text.isEmpty() || text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("must not be empty, nor contain U+0000");
        }
        return text;
    }

    /** Instances are their owners' business. */
    private static Set<Part> parts(String text, Caller caller) {
        Set<Part> parts = EnumSet.noneOf(Part.class);
        for (String part : text.split(",", -1)) {
            parts.add(Part.ofWire(part));
        }
        if (caller.role() == SELLER && parts.contains(Part.INSTANCE)) {
            throw new IllegalArgumentException("must not name instance: which VMs a customer runs is not for sellers");
        }
        return parts;
    }

    /** Sums do not vanish, so the one a page ended with is found again, and what comes after it is the next page. */
    private static Page<Row> page(List<Row> rows, PageRequest request) {
        int begin = 0;
        if (request.after() != null) {
            String after = request.after();
            while (begin < rows.size() && !key(rows.get(begin)).equals(after)) {
                begin++;
            }
            if (begin == rows.size()) {
                throw Requests.invalid(PageRequest.AFTER, "must be the value a page of the same query gave as next");
            }
            begin++;
        }
        int end = Math.min(rows.size(), begin + request.limit() + 1);
        return Page.of(rows.subList(begin, end), request, UsageRoutes::key);
    }

    private static String key(Row row) {
        return Hash.of(String.join("\n", row.key()).getBytes(StandardCharsets.UTF_8))
                .toString();
    }

    private static Map<String, Object> json(Row row, Set<Part> parts) {
        Map<String, Object> json = Json.object(
                "start",
                row.start(),
                "end",
                row.end(),
                "product",
                row.product(),
                "productTitle",
                row.productTitle(),
                "dimension",
                row.dimension(),
                "unit",
                row.unit());
        if (parts.contains(Part.CUSTOMER)) {
            json.put("customer", row.customer());
        }
        if (parts.contains(Part.VERSION)) {
            json.put("version", row.version().isEmpty() ? UsageReport.NO_VERSION : row.version());
            if (!row.version().isEmpty()) {
                json.put("versionTitle", row.versionTitle());
            }
        }
        if (parts.contains(Part.IMAGE)) {
            json.put("image", row.image());
        }
        if (parts.contains(Part.INSTANCE)) {
            json.put("instance", row.instance());
        }
        json.put("quantity", row.quantity());
        json.put("provisional", row.provisional());
        return json;
    }

    /** Query parameters whose problems are gathered. */
    private static final class Parameters {
        private final RoutingContext ctx;
        private final List<Failure.Problem> problems = new ArrayList<>();

        Parameters(RoutingContext ctx) {
            this.ctx = ctx;
        }

        <T> Optional<T> required(String name, Function<String, T> parser) {
            if (Requests.query(ctx, name).isEmpty()) {
                problems.add(new Failure.Problem(name, "is missing"));
            }
            return optional(name, parser);
        }

        <T> Optional<T> optional(String name, Function<String, T> parser) {
            return Requests.query(ctx, name).flatMap(text -> {
                try {
                    return Optional.of(parser.apply(text));
                } catch (IllegalArgumentException e) {
                    problems.add(new Failure.Problem(name, String.valueOf(e.getMessage())));
                    return Optional.empty();
                }
            });
        }

        void done() {
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
            }
        }
    }
}
