package io.tallystick.aggregator.app;

import io.tallystick.aggregator.app.AccessMatrix.Who;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Who may see and do what in the portal: for every page for people who are signed in, the status each gets. Whoever is not
 * signed in is not in the table: everywhere they are sent to sign in. To add a page, add a row.
 */
final class PageMatrix {
    private PageMatrix() {}

    /** The request of a row, made anew for every visitor; the fields are those of a form, without its token. */
    record Call(String path, Map<String, String> fields) {}

    record Row(String operationId, Function<AccessMatrix.World, Call> call, Map<Who, Integer> expected) {}

    private static Row row(
            String operationId,
            Function<AccessMatrix.World, Call> call,
            int operator,
            int seller,
            int otherSeller,
            int buyer,
            int otherBuyer) {
        Map<Who, Integer> expected = new EnumMap<>(Who.class);
        expected.put(Who.OPERATOR, operator);
        expected.put(Who.SELLER, seller);
        expected.put(Who.OTHER_SELLER, otherSeller);
        expected.put(Who.BUYER, buyer);
        expected.put(Who.OTHER_BUYER, otherBuyer);
        return new Row(operationId, call, expected);
    }

    private static Function<AccessMatrix.World, Call> get(Function<AccessMatrix.World, String> path) {
        return world -> new Call(path.apply(world), Map.of());
    }

    private static Function<AccessMatrix.World, Call> send(
            Function<AccessMatrix.World, String> path, Function<AccessMatrix.World, Map<String, String>> fields) {
        return world -> new Call(path.apply(world), fields.apply(world));
    }

    //                                                          operator, seller, other seller, buyer, other buyer
    static final List<Row> ROWS = List.of(
            row("getPortal", get(w -> "/portal"), 303, 303, 303, 303, 303),
            row("productsPage", get(w -> "/portal/products"), 200, 200, 200, 403, 403),
            row("productPage", get(w -> "/portal/products/" + w.limitedProduct()), 200, 200, 404, 403, 403),
            row(
                    "requestVisibilityOnPage",
                    send(
                            w -> "/portal/products/" + w.newProduct() + "/visibility",
                            w -> Map.of("visibility", "LIMITED")),
                    403,
                    303,
                    404,
                    403,
                    403),
            row(
                    "unpublishProductOnPage",
                    get(w -> "/portal/products/" + w.newProduct() + "/unpublish"),
                    403,
                    // There is nothing to unpublish yet.
                    409,
                    404,
                    403,
                    403),
            row("newLoadFormPage", get(w -> "/portal/load-forms"), 200, 200, 200, 403, 403),
            row("blankLoadFormOnPage", get(w -> "/portal/load-forms/blank"), 200, 200, 200, 403, 403),
            // Shown again: there is no form.
            row("checkNewLoadFormOnPage", get(w -> "/portal/load-forms"), 400, 400, 400, 403, 403),
            row(
                    "createProductOnPage",
                    send(
                            w -> "/portal/load-forms/create",
                            w -> Map.of("seller", w.seller(), "form", "field,value\ntitle,New\n")),
                    303,
                    303,
                    303,
                    403,
                    403),
            row(
                    "loadFormPage",
                    get(w -> "/portal/products/" + w.limitedProduct() + "/load-form"),
                    200,
                    200,
                    404,
                    403,
                    403),
            row(
                    "loadFormOnPage",
                    get(w -> "/portal/products/" + w.limitedProduct() + "/load-form.csv"),
                    200,
                    200,
                    404,
                    403,
                    403),
            // Shown again: the form has no revision.
            row(
                    "checkLoadFormOnPage",
                    send(
                            w -> "/portal/products/" + w.newProduct() + "/load-form",
                            w -> Map.of("form", "field,value\ntitle,New\n")),
                    400,
                    400,
                    404,
                    403,
                    403),
            row(
                    "applyLoadFormOnPage",
                    send(
                            w -> "/portal/products/" + w.newProduct() + "/load-form/apply",
                            w -> Map.of("form", "field,value\ntitle,New\n")),
                    400,
                    400,
                    404,
                    403,
                    403),
            row(
                    "newVersionPage",
                    get(w -> "/portal/products/" + w.newProduct() + "/versions/new"),
                    403,
                    200,
                    404,
                    403,
                    403),
            row(
                    "createVersionOnPage",
                    send(w -> "/portal/products/" + w.newProduct() + "/versions", w -> Map.of("title", "1")),
                    403,
                    // Shown again: the other fields are missing.
                    400,
                    404,
                    403,
                    403),
            row("versionPage", get(w -> "/portal/versions/" + w.version().id() + "/edit"), 403, 200, 404, 403, 403),
            row(
                    "editVersionOnPage",
                    world -> {
                        AccessMatrix.NewVersion v = world.version();
                        return new Call(
                                "/portal/versions/" + v.id() + "/edit",
                                Map.of(
                                        "title",
                                        "2",
                                        "cloud",
                                        "aws",
                                        "region",
                                        "r",
                                        "imageId",
                                        v.imageId(),
                                        "releaseNotes",
                                        "n"));
                    },
                    403,
                    303,
                    404,
                    403,
                    403),
            row(
                    "versionImpactPage",
                    get(w -> "/portal/versions/" + w.version().id() + "/impact?action=restrict"),
                    403,
                    200,
                    404,
                    403,
                    403),
            row(
                    "productImpactPage",
                    get(w -> "/portal/products/" + w.newProduct() + "/impact"),
                    403,
                    200,
                    404,
                    403,
                    403),
            row(
                    "writeMessageOnPage",
                    send(
                            w -> "/portal/change-sets/" + w.cancelledChangeSet() + "/messages",
                            w -> Map.of("text", "Hello")),
                    303,
                    303,
                    404,
                    403,
                    403),
            row("changeSetsPage", get(w -> "/portal/change-sets"), 200, 200, 200, 403, 403),
            row("changeSetPage", get(w -> "/portal/change-sets/" + w.cancelledChangeSet()), 200, 200, 404, 403, 403),
            row(
                    "cancelChangeSetOnPage",
                    get(w -> "/portal/change-sets/" + w.cancelledChangeSet() + "/cancel"),
                    303,
                    303,
                    404,
                    403,
                    403),
            row(
                    "changeVersionOnPage",
                    send(w -> "/portal/versions/" + w.version().id() + "/change", w -> Map.of("action", "publish")),
                    403,
                    303,
                    404,
                    403,
                    403),
            row("revenuePage", get(w -> "/portal/revenue"), 200, 200, 200, 403, 403),
            row("statementsPage", get(w -> "/portal/statements"), 200, 200, 200, 200, 200),
            row("statementPage", get(w -> "/portal/statements/" + w.newStatement()), 200, 200, 404, 200, 404),
            row("reviewsPage", get(w -> "/portal/reviews"), 200, 403, 403, 403, 403),
            row(
                    "approveReviewOnPage",
                    get(w -> "/portal/reviews/" + w.newReview() + "/approve"),
                    303,
                    403,
                    403,
                    403,
                    403),
            row(
                    "sendReviewBackOnPage",
                    send(w -> "/portal/reviews/" + w.newReview() + "/send-back", w -> Map.of("reason", "no logo")),
                    303,
                    403,
                    403,
                    403,
                    403),
            row(
                    "rejectReviewOnPage",
                    send(w -> "/portal/reviews/" + w.newReview() + "/reject", w -> Map.of("reason", "no")),
                    303,
                    403,
                    403,
                    403,
                    403),
            row("passwordPage", get(w -> "/portal/password"), 200, 200, 200, 200, 200),
            // Shown again: the old password is missing.
            row("changePasswordOnPage", get(w -> "/portal/password"), 400, 400, 400, 400, 400),
            row(
                    "closeOfferOnPage",
                    get(w -> "/portal/offers/" + w.newPrivateOffer() + "/close"),
                    403,
                    303,
                    404,
                    403,
                    403),
            row(
                    "acknowledgeIncidentOnPage",
                    get(w -> "/portal/incidents/" + w.newIncident() + "/acknowledge"),
                    303,
                    403,
                    403,
                    403,
                    403),
            row(
                    "reopenIncidentOnPage",
                    get(w -> "/portal/incidents/" + w.newIncident() + "/reopen"),
                    303,
                    403,
                    403,
                    403,
                    403),
            row("incidentsPage", get(w -> "/portal/incidents"), 200, 403, 403, 403, 403),
            row(
                    "enrollmentPage",
                    get(w -> "/portal/enrollments/" + w.contested().enrollment()),
                    200,
                    403,
                    403,
                    403,
                    403),
            row(
                    "approveKeyOnPage",
                    world -> {
                        AccessMatrix.Contested contested = world.contested();
                        return new Call(
                                "/portal/enrollments/" + contested.enrollment() + "/approve",
                                Map.of("thumbprint", contested.thumbprint()));
                    },
                    303,
                    403,
                    403,
                    403,
                    403),
            row("cloudInstancesPage", get(w -> "/portal/cloud-instances"), 200, 403, 403, 403, 403),
            row("quarantinePage", get(w -> "/portal/quarantine"), 200, 200, 200, 403, 403),
            row("agreementsPage", get(w -> "/portal/agreements"), 403, 403, 403, 200, 200),
            row(
                    "cancelAgreementOnPage",
                    get(w -> "/portal/agreements/" + w.newAgreement() + "/cancel"),
                    403,
                    403,
                    403,
                    303,
                    404),
            row("cataloguePage", get(w -> "/portal/catalogue"), 403, 403, 403, 200, 200),
            row("catalogueProductPage", get(w -> "/portal/catalogue/" + w.limitedProduct()), 403, 403, 403, 200, 404),
            row(
                    "subscribeOnPage",
                    get(w -> "/portal/catalogue/" + w.limitedProduct() + "/subscribe"),
                    403,
                    403,
                    403,
                    303,
                    404),
            row("joinCodesPage", get(w -> "/portal/join-codes"), 403, 403, 403, 200, 200),
            row(
                    "createJoinCodeOnPage",
                    send(w -> "/portal/join-codes", w -> Map.of("agreement", w.newOutscaleAgreement(), "uses", "1")),
                    403,
                    403,
                    403,
                    201,
                    404),
            row(
                    "revokeJoinCodeOnPage",
                    get(w -> "/portal/join-codes/" + w.newJoinCode() + "/revoke"),
                    403,
                    403,
                    403,
                    303,
                    404),
            row("usagePage", get(w -> "/portal/usage"), 200, 200, 200, 200, 200),
            row("usageCsv", get(w -> "/portal/usage.csv"), 200, 200, 200, 200, 200));
}
