package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.util.List;
import java.util.Map;

/**
 * The sample data of a sandbox: who is there and how to speak as them. Kept in the run folder, so that a sandbox
 * started again goes on with it.
 */
record Seed(
        String operatorToken,
        String sellerAccount,
        String sellerToken,
        String buyerAccount,
        String buyerToken,
        String billingToken,
        String productId,
        String productCode,
        String agreement,
        String instance,
        String cloudAccount,
        LogIn operatorLogIn,
        LogIn sellerLogIn,
        LogIn buyerLogIn) {
    static final String FILE = "seed.json";

    /** With which somebody signs in to the portal. */
    record LogIn(String email, String password) {
        private Map<String, Object> json() {
            return Json.object("email", email, "password", password);
        }

        private static LogIn of(Doc d) {
            return new LogIn(d.text("email"), d.text("password"));
        }
    }

    static final String REQUESTS = "requests";
    static final String GIGABYTES = "gigabytes";
    static final String UPTIME = "uptime-hours";
    static final List<String> DIMENSIONS = List.of(REQUESTS, GIGABYTES, UPTIME);

    String toJson() {
        return Json.write(Json.object(
                "operatorToken", operatorToken,
                "sellerAccount", sellerAccount,
                "sellerToken", sellerToken,
                "buyerAccount", buyerAccount,
                "buyerToken", buyerToken,
                "billingToken", billingToken,
                "productId", productId,
                "productCode", productCode,
                "agreement", agreement,
                "instance", instance,
                "cloudAccount", cloudAccount,
                "operatorLogIn", operatorLogIn.json(),
                "sellerLogIn", sellerLogIn.json(),
                "buyerLogIn", buyerLogIn.json()));
    }

    static Seed parse(String json) {
        Doc d = Doc.parse(json);
        return new Seed(
                d.text("operatorToken"),
                d.text("sellerAccount"),
                d.text("sellerToken"),
                d.text("buyerAccount"),
                d.text("buyerToken"),
                d.text("billingToken"),
                d.text("productId"),
                d.text("productCode"),
                d.text("agreement"),
                d.text("instance"),
                d.text("cloudAccount"),
                LogIn.of(d.object("operatorLogIn")),
                LogIn.of(d.object("sellerLogIn")),
                LogIn.of(d.object("buyerLogIn")));
    }
}
