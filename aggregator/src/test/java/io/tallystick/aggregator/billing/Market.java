package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A seller with a public product, a buyer with a cloud account, and an agent: what tests of money start from. */
public final class Market {
    private static final AtomicInteger ACCOUNTS = new AtomicInteger(500);

    private final RunningAggregator running;
    public final String seller;
    public final String buyer;
    public final String cloudAccount;
    public final String product;
    public final String code;

    public Market(RunningAggregator running, String... dimensions) {
        this.running = running;
        seller = running.account("seller");
        buyer = running.account("buyer");
        cloudAccount = "%012d".formatted(ACCOUNTS.incrementAndGet());
        running.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        running.operator(),
                        Json.write(Json.object("cloud", "aws", "accountId", cloudAccount)))
                .expect(200);
        product = running.product(seller, dimensions);
        code = running.http().get("/v1/products/" + product, running.operator()).get("productCode");
        running.visibility(product, "LIMITED", "PUBLIC");
    }

    /** A public offer; {@code prices} is the inside of its JSON object, with apostrophes for quotes. */
    public String offer(String currency, String prices) {
        return post(
                        "/v1/products/" + product + "/offers",
                        "{'title':'An offer','currency':'" + currency + "'," + prices + "}")
                .expect(201)
                .get("id");
    }

    Http.Answer post(String path, String json) {
        return running.http().post(path, running.operator(), json.replace('\'', '"'));
    }

    /** An agreement on this offer. */
    public String accept(String offer) {
        return post("/v1/agreements", "{'product':'" + product + "','account':'" + buyer + "','offer':'" + offer + "'}")
                .expect(201)
                .get("id");
    }

    /** Buys by the year; {@code counts} is the inside of the request's JSON object. */
    public Http.Answer years(String agreement, String counts) {
        return post("/v1/agreements/" + agreement + "/years", "{" + counts + "}");
    }

    public Http.Answer amend(String agreement, String counts) {
        return post("/v1/agreements/" + agreement + "/amendments", "{" + counts + "}");
    }

    public Http.Answer quote(String agreement, String counts) {
        return post("/v1/agreements/" + agreement + "/quotes", "{" + counts + "}");
    }

    public void end(String agreement) {
        running.http()
                .send("POST", "/v1/agreements/" + agreement + "/end", running.operator(), null)
                .expect(200);
    }

    /** A VM of the buyer's that was started now, enrolled. */
    public ProtocolClient agent() {
        ProtocolClient agent = SimulatedRegion.client(
                running, SimulatedRegion.vm(cloudAccount, running.clock().instant(), List.of(code)));
        agent.enroll();
        return agent;
    }

    /** Usage in the hour it is now. */
    public MeteringRecord usage(String dimension, String quantity) {
        return usage(dimension, hour(), quantity);
    }

    public static MeteringRecord usage(String dimension, Instant hour, String quantity) {
        return MeteringRecord.increment(dimension, hour, Quantity.parse(quantity));
    }

    public Instant hour() {
        return Hours.of(running.clock().instant());
    }

    /** Lets hours pass and posts and charges what is closed by then. */
    public void pass(Duration time) {
        running.clock().advance(time);
        running.post();
    }

    Http.Answer pull(String path, String accept) {
        return running.http()
                .send(HttpRequest.newBuilder(running.http().uri(path))
                        .header("Authorization", "Bearer " + running.operator())
                        .header("Accept", accept)
                        .build());
    }

    public List<Map<String, Object>> charges() {
        String text = pull("/v1/billing/charges?limit=10000&product=" + product, "application/x-ndjson")
                .expect(200)
                .text();
        return text.lines().map(Json::parseObject).toList();
    }

    /** Each charge as the values of these members with blanks between. */
    List<String> charges(String... members) {
        return shown(charges(), members);
    }

    static List<String> shown(List<Map<String, Object>> all, String... members) {
        List<String> shown = new ArrayList<>();
        for (Map<String, Object> one : all) {
            List<String> values = new ArrayList<>();
            for (String member : members) {
                values.add(String.valueOf(one.getOrDefault(member, "-")));
            }
            shown.add(String.join(" ", values));
        }
        return shown;
    }
}
