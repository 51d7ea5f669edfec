package io.tallystick.sandbox;

import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes the sample data as an operator would: the first token by the command line, everything else by the API. */
public final class Seeder {
    /** How often the sandbox's agents send; short, so that people see something happen. */
    static final Duration FLUSH_INTERVAL = Duration.ofMinutes(1);

    static final Duration CLOSE_DELAY = Duration.ofHours(1);

    static final String CURRENCY = "USD";
    static final String REQUEST_PRICE = "0.000035";
    static final String GIGABYTE_PRICE = "0.0925";
    /** By instance type, of either cloud. */
    static final Map<String, String> HOURLY = new TreeMap<>(Map.of(
            "m5.large", "0.12",
            "m5.xlarge", "0.24",
            "c5.large", "0.105",
            "t3.medium", "0.042",
            "tinav5.c2r4p1", "0.09"));

    private final Marketplace market;
    private final Programs programs;
    private final Path aggregatorConfig;

    Seeder(Marketplace market, Programs programs, Path aggregatorConfig) {
        this.market = market;
        this.programs = programs;
        this.aggregatorConfig = aggregatorConfig;
    }

    Seed seed() {
        String operator = firstToken(programs, aggregatorConfig);
        Rest api = market.rest().with(operator);
        String seller = account(api, "seller", "Sample Seller");
        String buyer = account(api, "buyer", "Sample Buyer");
        cloudAccount(api, buyer, Marketplace.CLOUD_ACCOUNT);
        Doc product = product(api, seller);
        String productId = product.text("id");
        String productCode = product.text("productCode");
        for (String visibility : List.of("LIMITED", "PUBLIC")) {
            api.put("/v1/products/" + productId + "/visibility", Json.object("visibility", visibility))
                    .expect(200, 204);
        }
        offer(api, productId);
        String agreement = agreement(api, productId, buyer);
        VmInfo vm = market.cloud()
                .launch(VmSpec.of(Marketplace.CLOUD_ACCOUNT)
                        .region(Marketplace.REGION)
                        .productCodes(productCode));
        return new Seed(
                operator,
                seller,
                token(api, "seller", seller),
                buyer,
                token(api, "buyer", buyer),
                token(api, "billing", ""),
                productId,
                productCode,
                agreement,
                vm.instanceId(),
                Marketplace.CLOUD_ACCOUNT,
                logIn(api, "operator", ""),
                logIn(api, "seller", seller),
                logIn(api, "buyer", buyer));
    }

    /** Makes an account; answers its id. */
    public static String account(Rest api, String kind, String name) {
        return api.post("/v1/accounts", Json.object("kind", kind, "name", name))
                .expect(201)
                .json()
                .text("id");
    }

    /** Says that an AWS account belongs to an account of ours. */
    public static void cloudAccount(Rest api, String account, String cloudAccount) {
        cloudAccount(api, account, Cloud.AWS, cloudAccount);
    }

    static void cloudAccount(Rest api, String account, Cloud cloud, String cloudAccount) {
        api.post(
                        "/v1/accounts/" + account + "/cloud-accounts",
                        Json.object("cloud", cloud.wire(), "accountId", cloudAccount))
                .expect(200, 201);
    }

    /** Subscribes an account to a product; answers the agreement's id. */
    public static String agreement(Rest api, String productId, String account) {
        return api.post("/v1/agreements", Json.object("product", productId, "account", account))
                .expect(201)
                .json()
                .text("id");
    }

    static List<Object> dimensions() {
        List<Object> dimensions = new ArrayList<>();
        dimensions.add(Json.object("key", Seed.REQUESTS, "title", "Requests", "unit", "request"));
        dimensions.add(Json.object("key", Seed.GIGABYTES, "title", "Data processed", "unit", "GB"));
        dimensions.add(Json.object("key", Seed.UPTIME, "title", "Instance uptime", "unit", "hour"));
        return dimensions;
    }

    private static Doc product(Rest api, String seller) {
        return api.post(
                        "/v1/products",
                        Json.object(
                                "title", "Sample Gateway",
                                "seller", seller,
                                "flushInterval", FLUSH_INTERVAL,
                                "closeDelay", CLOSE_DELAY,
                                "dimensions", dimensions()))
                .expect(201)
                .json();
    }

    /** What the sample product costs: by the request, by the gigabyte, and by the hour and type of the instance. */
    static void offer(Rest api, String productId) {
        List<Object> hourly = new ArrayList<>();
        HOURLY.forEach((type, price) -> hourly.add(Json.object("instanceType", type, "unitPrice", price)));
        api.post(
                        "/v1/products/" + productId + "/offers",
                        Json.object(
                                "title",
                                "Pay as you go",
                                "currency",
                                CURRENCY,
                                "prices",
                                List.of(
                                        Json.object("dimension", Seed.REQUESTS, "unitPrice", REQUEST_PRICE),
                                        Json.object("dimension", Seed.GIGABYTES, "unitPrice", GIGABYTE_PRICE)),
                                "hourly",
                                hourly))
                .expect(201);
    }

    private static String token(Rest api, String role, String account) {
        return api.post("/v1/tokens", Json.object("role", role, "account", account.isEmpty() ? null : account))
                .expect(201)
                .json()
                .text("secret");
    }

    private static Seed.LogIn logIn(Rest api, String role, String account) {
        String email = role + "@sandbox.example";
        String password = api.post(
                        "/v1/users",
                        Json.object("email", email, "role", role, "account", account.isEmpty() ? null : account))
                .expect(201)
                .json()
                .text("password");
        return new Seed.LogIn(email, password);
    }

    /** The one token that cannot come from the API. */
    public static String firstToken(Programs programs, Path aggregatorConfig) {
        List<String> command =
                programs.aggregator("token", "create", "--role", "operator", "--config", aggregatorConfig.toString());
        Cli.Result result = Cli.run(command);
        if (result.exitCode() != 0) {
            throw new Trouble("tallystick-aggregator token create failed: " + result.errors() + result.output());
        }
        // On a machine that is very busy a log line may come before it.
        String output = result.output().strip();
        return output.substring(output.lastIndexOf('\n') + 1);
    }
}
