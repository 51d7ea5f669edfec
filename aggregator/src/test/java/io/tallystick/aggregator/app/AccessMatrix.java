package io.tallystick.aggregator.app;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who may do what: for every route, the status each caller gets. Revoked, expired and missing tokens are not in the
 * table, they are refused with 401 on every route that needs a token. To add a route, add a row.
 */
final class AccessMatrix {
    private AccessMatrix() {}

    /** A valid caller, as seen from the thing in the path: its own seller and buyer, or others. */
    enum Who {
        OPERATOR,
        SELLER,
        OTHER_SELLER,
        BUYER,
        OTHER_BUYER,
        BILLING
    }

    /** The request of a row; the path and body are made anew for every caller, so that no call spoils the next. */
    record Call(String path, @Nullable String body) {}

    record Row(String operationId, Function<World, Call> call, Map<Who, Integer> expected) {}

    static Row row(
            String operationId,
            Function<World, Call> call,
            int operator,
            int seller,
            int otherSeller,
            int buyer,
            int otherBuyer,
            int billing) {
        Map<Who, Integer> expected = new EnumMap<>(Who.class);
        expected.put(Who.OPERATOR, operator);
        expected.put(Who.SELLER, seller);
        expected.put(Who.OTHER_SELLER, otherSeller);
        expected.put(Who.BUYER, buyer);
        expected.put(Who.OTHER_BUYER, otherBuyer);
        expected.put(Who.BILLING, billing);
        return new Row(operationId, call, expected);
    }

    static Function<World, Call> get(Function<World, String> path) {
        return world -> new Call(path.apply(world), null);
    }

    static Function<World, Call> send(Function<World, String> path, Function<World, String> body) {
        return world -> new Call(path.apply(world), body.apply(world));
    }

    static String quoted(String json) {
        return json.replace('\'', '"');
    }

    //                                                          operator, seller, other seller, buyer, other buyer,
    // billing
    private static final List<Row> OTHERS = List.of(
            row(
                    "createAccount",
                    send(w -> "/v1/accounts", w -> quoted("{'kind':'buyer','name':'N'}")),
                    201,
                    403,
                    403,
                    403,
                    403,
                    403),
            row("listAccounts", get(w -> "/v1/accounts"), 200, 403, 403, 403, 403, 403),
            row("getAccount", get(w -> "/v1/accounts/" + w.seller()), 200, 200, 404, 404, 404, 403),
            row(
                    "addCloudAccount",
                    send(
                            w -> "/v1/accounts/" + w.buyer() + "/cloud-accounts",
                            w -> quoted("{'cloud':'aws','accountId':'" + w.unique() + "'}")),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "createToken",
                    send(w -> "/v1/tokens", w -> quoted("{'role':'billing'}")),
                    201,
                    403,
                    403,
                    403,
                    403,
                    403),
            row("listTokens", get(w -> "/v1/tokens"), 200, 403, 403, 403, 403, 403),
            row("revokeToken", get(w -> "/v1/tokens/" + w.newTokenId()), 200, 403, 403, 403, 403, 403),
            row(
                    "createUser",
                    send(
                            w -> "/v1/users",
                            w -> quoted("{'role':'operator','email':'u" + w.unique() + "@example.com'}")),
                    201,
                    403,
                    403,
                    403,
                    403,
                    403),
            row("listUsers", get(w -> "/v1/users"), 200, 403, 403, 403, 403, 403),
            row("disableUser", get(w -> "/v1/users/" + w.newUserId() + "/disable"), 200, 403, 403, 403, 403, 403),
            row(
                    "setUserPassword",
                    send(w -> "/v1/users/" + w.newUserId() + "/password", w -> "{}"),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "createProduct",
                    send(w -> "/v1/products", w -> quoted("{'title':'T','seller':'" + w.seller() + "'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row("listProducts", get(w -> "/v1/products"), 200, 200, 200, 200, 200, 403),
            row("searchCatalogue", get(w -> "/v1/catalogue?q=t&cloud=aws"), 200, 200, 200, 200, 200, 403),
            row("getProduct", get(w -> "/v1/products/" + w.limitedProduct()), 200, 200, 404, 200, 404, 403),
            row(
                    "addDimension",
                    send(
                            w -> "/v1/products/" + w.limitedProduct() + "/dimensions",
                            w -> quoted("{'key':'k" + w.unique() + "','unit':'Units'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row(
                    "setVisibility",
                    send(
                            w -> "/v1/products/" + w.newProduct() + "/visibility",
                            w -> quoted("{'visibility':'LIMITED'}")),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "setAllowList",
                    send(
                            w -> "/v1/products/" + w.newProduct() + "/allow-list",
                            w -> quoted("{'accounts':['" + w.buyer() + "']}")),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "createVersion",
                    send(
                            w -> "/v1/products/" + w.newProduct() + "/versions",
                            w -> quoted("{'title':'1','cloud':'aws','region':'r','imageId':'" + w.unownedImage()
                                    + "','releaseNotes':'n'}")),
                    400,
                    400,
                    404,
                    403,
                    403,
                    403),
            row(
                    "listVersions",
                    get(w -> "/v1/products/" + w.limitedProduct() + "/versions"),
                    200,
                    200,
                    404,
                    200,
                    404,
                    403),
            row(
                    "listRegistrationKeys",
                    get(w -> "/v1/products/" + w.limitedProduct() + "/registration-keys"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "rotateRegistrationKey",
                    get(w -> "/v1/products/" + w.limitedProduct() + "/registration-keys"),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row(
                    "getVersionTemplate",
                    get(w -> "/v1/products/" + w.newProduct() + "/versions/template"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "listSelectableImages",
                    get(w -> "/v1/products/" + w.newProduct() + "/versions/images?cloud=aws&region=r"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row("getVersion", get(w -> "/v1/versions/" + w.version().id()), 200, 200, 404, 404, 404, 403),
            row(
                    "editVersion",
                    w -> {
                        NewVersion v = w.version();
                        return new Call(
                                "/v1/versions/" + v.id(),
                                quoted("{'title':'2','cloud':'aws','region':'r','imageId':'" + v.imageId()
                                        + "','releaseNotes':'n'}"));
                    },
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "requestVisibility",
                    send(
                            w -> "/v1/products/" + w.newProduct() + "/visibility-requests",
                            w -> quoted("{'visibility':'LIMITED'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row("listReviews", get(w -> "/v1/reviews?status=open"), 200, 200, 200, 403, 403, 403),
            row(
                    "approveReview",
                    send(w -> "/v1/reviews/" + w.newReview() + "/approve", w -> "{}"),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "rejectReview",
                    send(w -> "/v1/reviews/" + w.newReview() + "/reject", w -> quoted("{'reason':'R'}")),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "returnReview",
                    send(w -> "/v1/reviews/" + w.newReview() + "/return", w -> quoted("{'reason':'R'}")),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row("cancelReview", get(w -> "/v1/reviews/" + w.newReview() + "/cancel"), 200, 200, 404, 403, 403, 403),
            row(
                    "setContacts",
                    send(
                            w -> "/v1/accounts/" + w.buyer() + "/contacts",
                            w -> quoted("{'contacts':[{'email':'a@example.com'}]}")),
                    200,
                    404,
                    404,
                    200,
                    404,
                    403),
            row(
                    "startChangeSet",
                    send(
                            w -> "/v1/change-sets",
                            w -> quoted("{'changes':[{'type':'PublishVersion','version':'"
                                    + w.version().id() + "'}]}")),
                    201,
                    201,
                    400,
                    403,
                    403,
                    403),
            row("listChangeSets", get(w -> "/v1/change-sets"), 200, 200, 200, 403, 403, 403),
            row("getChangeSet", get(w -> "/v1/change-sets/" + w.cancelledChangeSet()), 200, 200, 404, 403, 403, 403),
            row(
                    "cancelChangeSet",
                    get(w -> "/v1/change-sets/" + w.cancelledChangeSet() + "/cancel"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "listChangeSetMessages",
                    get(w -> "/v1/change-sets/" + w.cancelledChangeSet() + "/messages"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "writeChangeSetMessage",
                    send(
                            w -> "/v1/change-sets/" + w.cancelledChangeSet() + "/messages",
                            w -> quoted("{'text':'Hello'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row("getBlankLoadForm", get(w -> "/v1/load-forms/blank"), 200, 200, 200, 403, 403, 403),
            row(
                    "createProductByLoadForm",
                    send(
                            w -> "/v1/load-forms",
                            w -> quoted("{'form':'field,value\\ntitle,T','seller':'" + w.seller() + "'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row("getLoadForm", get(w -> "/v1/products/" + w.newProduct() + "/load-form"), 200, 200, 404, 403, 403, 403),
            row(
                    "uploadLoadForm",
                    send(
                            w -> "/v1/products/" + w.newProduct() + "/load-form",
                            w -> quoted("{'form':'field,value\\nnonsense,T'}")),
                    400,
                    400,
                    404,
                    403,
                    403,
                    403),
            row(
                    "getProductImpact",
                    get(w -> "/v1/products/" + w.newProduct() + "/impact"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "getVersionImpact",
                    get(w -> "/v1/versions/" + w.version().id() + "/impact"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "createAgreement",
                    send(
                            w -> "/v1/agreements",
                            w -> quoted("{'product':'" + w.newPublicProduct() + "','account':'" + w.buyer() + "'}")),
                    201,
                    403,
                    403,
                    201,
                    404,
                    403),
            row("listAgreements", get(w -> "/v1/agreements"), 200, 200, 200, 200, 200, 403),
            row("getAgreement", get(w -> "/v1/agreements/" + w.newAgreement()), 200, 200, 404, 200, 404, 403),
            row("listEnrollments", get(w -> "/v1/enrollments"), 200, 200, 200, 200, 200, 403),
            row(
                    "getEnrollment",
                    get(w -> "/v1/enrollments/" + w.contested().enrollment()),
                    200,
                    404,
                    404,
                    200,
                    404,
                    403),
            row(
                    "approveKey",
                    w -> {
                        Contested c = w.contested();
                        return new Call(
                                "/v1/enrollments/" + c.enrollment() + "/approve",
                                quoted("{'thumbprint':'" + c.thumbprint() + "'}"));
                    },
                    200,
                    404,
                    404,
                    200,
                    404,
                    403),
            row(
                    "createJoinCode",
                    send(w -> "/v1/join-codes", w -> quoted("{'agreement':'" + w.newOutscaleAgreement() + "'}")),
                    201,
                    403,
                    403,
                    201,
                    404,
                    403),
            row(
                    "setCloudKey",
                    send(
                            w -> "/v1/cloud-keys",
                            w -> quoted("{'cloud':'outscale','cloudAccount':'" + w.outscaleAccount()
                                    + "','accessKey':'ACCESSKEY0123456','secretKey':'not-a-secret-not-a-secret'}")),
                    200,
                    403,
                    403,
                    200,
                    404,
                    403),
            row("listCloudKeys", get(w -> "/v1/cloud-keys"), 200, 403, 403, 200, 200, 403),
            row("deleteCloudKey", get(w -> "/v1/cloud-keys/" + w.newCloudKey()), 200, 403, 403, 200, 404, 403),
            row("listCloudInstances", get(w -> "/v1/cloud-instances?state=silent"), 200, 403, 403, 403, 403, 403),
            row("listJoinCodes", get(w -> "/v1/join-codes"), 200, 403, 403, 200, 200, 403),
            row("revokeJoinCode", get(w -> "/v1/join-codes/" + w.newJoinCode()), 200, 403, 403, 200, 404, 403),
            row("listIncidents", get(w -> "/v1/incidents"), 200, 403, 403, 403, 403, 403),
            row(
                    "acknowledgeIncident",
                    send(w -> "/v1/incidents/" + w.newIncident() + "/acknowledge", w -> "{}"),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row(
                    "reopenIncident",
                    get(w -> "/v1/incidents/" + w.newIncident() + "/reopen"),
                    200,
                    403,
                    403,
                    403,
                    403,
                    403),
            row("listQuarantine", get(w -> "/v1/quarantine"), 200, 200, 200, 403, 403, 403),
            row("listLostUsage", get(w -> "/v1/lost-usage"), 200, 200, 200, 200, 200, 403),
            row(
                    "getUsage",
                    get(w -> "/v1/usage?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z"),
                    200,
                    200,
                    200,
                    200,
                    200,
                    403),
            row("pullUsage", get(w -> "/v1/billing/usage?account=" + w.buyer()), 200, 403, 403, 200, 404, 200),
            row("listReports", get(w -> "/v1/reports?seller=" + w.seller()), 200, 200, 404, 403, 403, 403),
            row("getReport", get(w -> "/v1/reports/" + w.newReport()), 200, 200, 404, 403, 403, 403),
            row(
                    "makeReport",
                    w -> {
                        w.newReport();
                        return new Call(
                                "/v1/reports",
                                quoted("{'kind':'daily-business-usage-by-instance-type','day':'2030-01-01','seller':'"
                                        + w.seller() + "'}"));
                    },
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row("listRuns", get(w -> "/v1/billing/runs"), 200, 403, 403, 403, 403, 200),
            row("endAgreement", get(w -> "/v1/agreements/" + w.newAgreement() + "/end"), 200, 403, 403, 200, 404, 403));

    static final List<Row> ROWS =
            Stream.of(OTHERS, MoneyRows.ROWS).flatMap(List::stream).toList();

    /** An enrollment of a buyer's VM with a key that waits for approval. */
    record Contested(String enrollment, String thumbprint) {}

    /** A draft and the image it is of. */
    record NewVersion(String id, String imageId) {}

    /** The things of the matrix: one seller with a product, one buyer who is on its allow-list. */
    interface World {
        String seller();

        String buyer();

        /** A LIMITED product of the seller's with the buyer on its allow-list. */
        String limitedProduct();

        String newProduct();

        String newPublicProduct();

        /** An open agreement of the buyer's on a new product of the seller's. */
        String newAgreement();

        /**
         * An open agreement of the buyer's on an offer of the seller's with yearly prices.
         *
         * @param bought whether something was bought at them
         */
        String newYearlyAgreement(boolean bought);

        /** As {@link #newAgreement}, of a buyer with an account at OUTSCALE. */
        String newOutscaleAgreement();

        /** The buyer's account at OUTSCALE. */
        String outscaleAccount();

        /** The id of a key of that account. */
        String newCloudKey();

        /** The id of a join code of the buyer's. */
        String newJoinCode();

        String newTokenId();

        /** A report of the seller's. */
        String newReport();

        /** An open incident. */
        String newIncident();

        /** An offer of a public product of the seller's, for the buyer only. */
        String newPrivateOffer();

        /** The run and line of usage that was booked to the buyer. */
        String newUsageLine();

        /** A statement of what the buyer owes the seller. */
        String newStatement();

        /** An image of nobody we know, so that no version can be made of it. */
        String unownedImage();

        /** A draft on a new product of the seller's. */
        NewVersion version();

        /** A change set on a new product of the seller's, cancelled before anything was done. */
        String cancelledChangeSet();

        /** An open request for a new product of the seller's. */
        String newReview();

        String newUserId();

        Contested contested();

        /** Digits nobody else got. */
        String unique();
    }
}
