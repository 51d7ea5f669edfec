package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.util.Map;

/** {@code endpoints.json}: everything one needs to talk to a running sandbox, tokens included, so for its owner only. */
final class Endpoints {
    static final String FILE = "endpoints.json";

    private final Marketplace market;
    private final RunFolder folder;

    Endpoints(Marketplace market, RunFolder folder) {
        this.market = market;
        this.folder = folder;
    }

    void write() {
        folder.write(FILE, Json.write(json()) + "\n");
    }

    private Map<String, Object> json() {
        Seed seed = market.seed();
        Agent agent = market.firstAgent();
        return Json.object(
                "sandbox", Json.object("pid", ProcessHandle.current().pid(), "dir", folder.path()),
                "aggregator",
                        Json.object(
                                "url", market.aggregatorUrl(),
                                "pid", market.aggregator().pid(),
                                "config", folder.file("conf/aggregator.conf"),
                                "jwks", market.aggregatorUrl() + "/.well-known/jwks.json"),
                "agent",
                        Json.object(
                                "url", agent.url(),
                                "pid", agent.running().pid(),
                                "config", agent.config(),
                                "state", agent.state()),
                "cloud",
                        Json.object(
                                "url", market.cloudUrl(),
                                "metadata", market.cloud().vm(seed.instance()).metadata(),
                                "trust", market.trustFolder()),
                "database", Json.object("url", market.database().url()),
                "portal", market.aggregatorUrl() + "/portal",
                "operator", Json.object("token", seed.operatorToken(), "logIn", logIn(seed.operatorLogIn())),
                "seller",
                        Json.object(
                                "account", seed.sellerAccount(),
                                "token", seed.sellerToken(),
                                "logIn", logIn(seed.sellerLogIn())),
                "buyer",
                        Json.object(
                                "account", seed.buyerAccount(),
                                "token", seed.buyerToken(),
                                "logIn", logIn(seed.buyerLogIn()),
                                "cloudAccount", seed.cloudAccount()),
                "billing", Json.object("token", seed.billingToken()),
                "product",
                        Json.object("id", seed.productId(), "code", seed.productCode(), "dimensions", Seed.DIMENSIONS),
                "agreement", seed.agreement(),
                "instance", seed.instance(),
                "clock", folder.clock(),
                "logs", folder.logs());
    }

    private static Map<String, Object> logIn(Seed.LogIn logIn) {
        return Json.object("email", logIn.email(), "password", logIn.password());
    }
}
